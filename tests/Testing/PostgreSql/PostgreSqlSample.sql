-- A database with everything that is hard to dump, to restore and to compare. Small, and the same each time.
-- The roles belong to the server; databases of several tests share them.
DO $$
BEGIN
    CREATE ROLE sample_reader NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$
BEGIN
    CREATE ROLE "Sample ""Writer""" NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;

CREATE EXTENSION citext;
CREATE EXTENSION hstore;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION btree_gist;
CREATE SCHEMA "My Schema";
CREATE SCHEMA accounts AUTHORIZATION sample_reader;
COMMENT ON SCHEMA "My Schema" IS 'A schema''s comment, with "quotes"; and a semicolon';

-- Types.
CREATE TYPE mood AS ENUM ('sad', 'so ''so''', 'happy');
CREATE TYPE "My Schema"."Address" AS (street text, "Zip Code" varchar(10));
CREATE DOMAIN positive AS integer DEFAULT 1 NOT NULL CONSTRAINT above_zero CHECK (VALUE > 0);
CREATE TYPE price_range AS RANGE (subtype = numeric);

-- Functions whose texts look like parts of a dump.
CREATE FUNCTION looks_like_a_dump() RETURNS integer LANGUAGE plpgsql AS $body$
BEGIN
    -- A scanner of scripts must not take the next lines for data.
    PERFORM $text$
COPY public.customers (id, name) FROM stdin;
1	somebody
\.
\connect elsewhere
CREATE TABLE not_there (a int);
-- PostgreSQL database dump complete
$text$;
    RETURN 1;
END $body$;
COMMENT ON FUNCTION looks_like_a_dump() IS 'Its body holds
COPY x FROM stdin;
\.';
CREATE FUNCTION double_it(amount numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT amount * 2';
CREATE FUNCTION sum_of_standard(a integer, b integer) RETURNS integer LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT a + b; END;
CREATE AGGREGATE product(numeric) (SFUNC = numeric_mul, STYPE = numeric, INITCOND = 1);
CREATE PROCEDURE do_nothing() LANGUAGE sql AS '';
CREATE OPERATOR <~> (LEFTARG = integer, RIGHTARG = integer, FUNCTION = sum_of_standard);
CREATE COLLATION "My Schema".bytewise (provider = libc, locale = 'C');

-- A table with most types, identity, generated columns and checks.
CREATE TABLE customers (
    id integer GENERATED ALWAYS AS IDENTITY (START WITH 10 INCREMENT BY 10) PRIMARY KEY,
    name text NOT NULL,
    email citext UNIQUE,
    mood mood DEFAULT 'happy',
    level positive,
    address "My Schema"."Address",
    tags text[],
    grid integer[][],
    settings jsonb,
    plain json,
    document xml,
    attributes hstore,
    picture bytea,
    since timestamptz,
    local timestamp,
    born date,
    wakes time,
    pause interval,
    ratio double precision,
    small real,
    balance numeric(20, 6),
    key uuid,
    network inet,
    flags bit varying(8),
    spot point,
    prices price_range,
    name_length integer GENERATED ALWAYS AS (length(name)) STORED,
    CONSTRAINT sane CHECK (name <> 'O''Reilly; DROP TABLE customers' AND (born IS NULL OR born < DATE '2100-01-01'))
);
INSERT INTO customers (name, email, mood, level, address, tags, grid, settings, plain, document, attributes, picture, since, local, born, wakes, pause, ratio, small, balance, key, network, flags, spot, prices)
SELECT 'Customer ' || i, 'C' || i || '@Example.org', (ARRAY['sad', 'so ''so''', 'happy']::mood[])[1 + i % 3], i,
    ROW('Street "' || i || '"', lpad(i::text, 5, '0'))::"My Schema"."Address", ARRAY['a,' || i, NULL, '"', '{}', ''], ARRAY[[i, 2], [3, NULL]],
    jsonb_build_object('number', i, 'text', E'line\nend\ttab\\', 'none', NULL), '{"b": 1,  "a": 1, "a": 2}', xmlelement(name a, i),
    hstore('k', 'v=>' || i), decode(lpad(to_hex(i), 8, '0') || '00ff0a0d5c', 'hex'), TIMESTAMPTZ '2026-03-29 00:59:59.999999+00' + i * INTERVAL '1 second',
    TIMESTAMP '2026-10-25 02:30:00' + i * INTERVAL '1 hour', DATE '1970-01-01' + i, TIME '23:59:59.5', INTERVAL '1 month -2 days 03:04:05.678' * i,
    i / 3.0::double precision, (i / 7.0)::real, i * 1234567.891011, md5(i::text)::uuid, '10.0.0.0/8', B'101', point(i, -i), price_range(i, i + 1)
FROM generate_series(1, 200) AS i;
INSERT INTO customers (name) VALUES (''), ('\N'), ('\.'), (E'tab\there, line\nbreak, return\r, back\\slash'), ('Zoë 日本語 🐘'), (repeat('long ', 20000));
INSERT INTO customers (name, since, born, ratio, balance) VALUES
    ('extremes', 'infinity', '-infinity', 'NaN', 'NaN'), ('more', '4714-11-24 00:00:00+00 BC', '0001-01-01', '-Infinity', -0.000001);
COMMENT ON TABLE customers IS E'Two lines,\nthe second with ''quotes''';
COMMENT ON COLUMN customers.name IS 'Not unique';
CREATE INDEX customers_name_trgm ON customers USING gin (name gin_trgm_ops);
CREATE INDEX "customers' partial" ON customers (lower(name) DESC NULLS LAST) INCLUDE (level) WHERE level > 5;
CREATE STATISTICS customers_statistics (dependencies, ndistinct) ON mood, level FROM customers;
ALTER TABLE customers ALTER COLUMN name SET STATISTICS 500, ALTER COLUMN picture SET STORAGE EXTERNAL;

-- Foreign keys in a circle, and to itself.
CREATE TABLE departments (id serial PRIMARY KEY, name text, head integer, parent integer REFERENCES departments ON DELETE SET NULL);
CREATE TABLE employees (id bigserial PRIMARY KEY, name text, department integer NOT NULL REFERENCES departments DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE departments ADD CONSTRAINT departments_head FOREIGN KEY (head) REFERENCES employees (id) DEFERRABLE;
BEGIN;
INSERT INTO departments (name, parent) VALUES ('all', NULL), ('sales', 1), ('stock', 1);
INSERT INTO employees (name, department) SELECT 'Employee ' || i, 1 + i % 3 FROM generate_series(1, 60) AS i;
UPDATE departments SET head = id;
COMMIT;

-- An exclusion constraint, and a foreign key that was never checked.
CREATE TABLE bookings (room integer, during tstzrange, EXCLUDE USING gist (room WITH =, during WITH &&));
INSERT INTO bookings SELECT i % 3, tstzrange(TIMESTAMPTZ '2026-01-01 00:00+00' + i * INTERVAL '1 day', TIMESTAMPTZ '2026-01-02 00:00+00' + i * INTERVAL '1 day') FROM generate_series(1, 30) AS i;
CREATE TABLE orphans (customer integer);
INSERT INTO orphans VALUES (10), (-1);
ALTER TABLE orphans ADD CONSTRAINT orphans_customer FOREIGN KEY (customer) REFERENCES customers (id) NOT VALID;

-- Partitions: by range with a default, by list, by hash, in two levels, one of them empty.
CREATE TABLE events (at timestamptz NOT NULL, kind text NOT NULL, amount integer, PRIMARY KEY (at, kind)) PARTITION BY RANGE (at);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01+00') TO ('2026-01-01+00');
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01+00') TO ('2027-01-01+00') PARTITION BY LIST (kind);
CREATE TABLE events_2026_sold PARTITION OF events_2026 FOR VALUES IN ('sold');
CREATE TABLE "My Schema"."events 2026: rest" PARTITION OF events_2026 DEFAULT;
CREATE TABLE events_2027 PARTITION OF events FOR VALUES FROM ('2027-01-01+00') TO ('2028-01-01+00');
CREATE TABLE events_default PARTITION OF events DEFAULT;
INSERT INTO events SELECT TIMESTAMPTZ '2025-11-01 00:00+00' + i * INTERVAL '1 day', (ARRAY['sold', 'returned', 'lost'])[1 + i % 3], i FROM generate_series(1, 300) AS i;
INSERT INTO events VALUES ('2000-01-01+00', 'sold', 0);
CREATE INDEX events_kind ON events (kind);
CREATE TABLE hashed (id integer) PARTITION BY HASH (id);
CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO hashed SELECT generate_series(1, 100);

-- Tables of other kinds: inherited, unlogged, of a type, without rows, without columns (with two rows that hold nothing).
CREATE TABLE places (name text);
CREATE TABLE towns (mayor text) INHERITS (places);
INSERT INTO places VALUES ('desert');
INSERT INTO towns VALUES ('Town', 'Mayor'), ('Other town', NULL);
CREATE UNLOGGED TABLE caches (key text PRIMARY KEY, value bytea);
INSERT INTO caches VALUES ('a', '\x00'), ('b', NULL);
CREATE TABLE typed_addresses OF "My Schema"."Address";
INSERT INTO typed_addresses VALUES ('Street', '1');
CREATE TABLE no_rows (id integer PRIMARY KEY, note text DEFAULT 'none');
CREATE TABLE no_columns ();
INSERT INTO no_columns DEFAULT VALUES;
INSERT INTO no_columns DEFAULT VALUES;
CREATE TABLE lost_columns (a integer, b integer, c integer);
INSERT INTO lost_columns VALUES (1, 2, 3);
ALTER TABLE lost_columns DROP COLUMN b;
ALTER TABLE lost_columns ADD COLUMN d integer DEFAULT 4;

-- Names that must be quoted, one of them with a line break.
CREATE TABLE "My Schema"."Odd ""Name"" = x" ("select" integer PRIMARY KEY, "a b" text, "ünï" text, "%s'\" text);
INSERT INTO "My Schema"."Odd ""Name"" = x" VALUES (1, 'one', 'eins', ''), (2, NULL, '', '\');
CREATE TABLE U&"line\000Abreak" ("dash--dash" integer, "semi;colon" integer);
INSERT INTO U&"line\000Abreak" VALUES (1, 2);
CREATE TABLE "123456789012345678901234567890123456789012345678901234567890123" (a integer);
INSERT INTO "123456789012345678901234567890123456789012345678901234567890123" VALUES (63);

-- Sequences: odd increments, downwards, cycling, owned, never used, at their end.
CREATE SEQUENCE odd_steps START 7 INCREMENT BY 13 CACHE 5;
SELECT nextval('odd_steps'), nextval('odd_steps');
CREATE SEQUENCE downwards INCREMENT BY -3 MINVALUE -100 MAXVALUE 50 START 50 CYCLE;
SELECT nextval('downwards');
CREATE SEQUENCE never_used AS smallint START 5;
CREATE SEQUENCE at_its_end MAXVALUE 2;
SELECT nextval('at_its_end'), nextval('at_its_end');
CREATE SEQUENCE "My Schema"."Odd Sequence" OWNED BY "My Schema"."Odd ""Name"" = x"."select";
SELECT setval('"My Schema"."Odd Sequence"', 41, false);

-- Views, one on top of a materialised one, and one that is not filled.
CREATE VIEW happy_customers WITH (security_barrier) AS SELECT id, name FROM customers WHERE mood = 'happy' WITH LOCAL CHECK OPTION;
CREATE MATERIALIZED VIEW events_by_kind AS SELECT kind, count(*) AS number, sum(amount) AS amount FROM events GROUP BY kind;
CREATE UNIQUE INDEX events_by_kind_kind ON events_by_kind (kind);
CREATE VIEW loudest_kind AS SELECT kind FROM events_by_kind ORDER BY number DESC, kind LIMIT 1;
CREATE MATERIALIZED VIEW not_filled AS SELECT * FROM customers WITH NO DATA;
CREATE RECURSIVE VIEW department_tree (id, depth) AS
    SELECT id, 0 FROM departments WHERE parent IS NULL UNION ALL SELECT d.id, t.depth + 1 FROM departments d JOIN department_tree t ON d.parent = t.id;

-- Triggers that would change the data if a restore fired them, one switched off, and a rule.
CREATE TABLE history (id serial, at timestamptz DEFAULT '2026-01-01 00:00+00', what text);
CREATE FUNCTION keep_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.history (what) VALUES (TG_TABLE_NAME || ' ' || TG_OP);
    RETURN NULL;
END $$;
CREATE TRIGGER employees_history AFTER INSERT OR UPDATE OR DELETE ON employees FOR EACH ROW EXECUTE FUNCTION keep_history();
CREATE TRIGGER departments_history AFTER INSERT ON departments FOR EACH STATEMENT EXECUTE FUNCTION keep_history();
ALTER TABLE departments DISABLE TRIGGER departments_history;
CREATE CONSTRAINT TRIGGER events_history AFTER UPDATE ON events DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keep_history();
UPDATE employees SET name = name || '!' WHERE id = 1;
CREATE RULE no_deletes AS ON DELETE TO history DO INSTEAD NOTHING;

-- Rights: two roles, single columns, defaults, and rows that not everybody sees.
GRANT USAGE ON SCHEMA "My Schema" TO sample_reader;
GRANT SELECT ON customers, events TO sample_reader;
GRANT SELECT (id, name), UPDATE (name) ON employees TO "Sample ""Writer""";
GRANT INSERT, UPDATE ON "My Schema"."Odd ""Name"" = x" TO "Sample ""Writer""" WITH GRANT OPTION;
GRANT USAGE ON SEQUENCE odd_steps TO sample_reader;
REVOKE EXECUTE ON FUNCTION looks_like_a_dump() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION looks_like_a_dump() TO sample_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA "My Schema" GRANT SELECT ON TABLES TO sample_reader;
CREATE TABLE accounts.owned (id integer, owner text);
INSERT INTO accounts.owned VALUES (1, 'sample_reader'), (2, 'nobody');
ALTER TABLE accounts.owned OWNER TO "Sample ""Writer""";
ALTER TABLE accounts.owned ENABLE ROW LEVEL SECURITY;
ALTER TABLE accounts.owned FORCE ROW LEVEL SECURITY;
GRANT SELECT ON accounts.owned TO sample_reader;
CREATE POLICY own_rows ON accounts.owned FOR SELECT TO sample_reader USING (owner = current_user);

-- Large objects: their numbers count, their contents are in no table.
SELECT lo_from_bytea(1000001, convert_to('a large object', 'UTF8')), lo_create(1000002);
SELECT lo_from_bytea(1000003, decode(repeat('00ff5c0a', 50000), 'hex'));
COMMENT ON LARGE OBJECT 1000001 IS 'A large object''s comment';
GRANT SELECT ON LARGE OBJECT 1000001 TO sample_reader;

-- What tools of migrations write.
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY);
INSERT INTO alembic_version VALUES ('3f2a9c1d7b60');

CREATE PUBLICATION sample_publication FOR TABLE customers, events;
CREATE TEXT SEARCH CONFIGURATION "My Schema".searched (COPY = pg_catalog.simple);
