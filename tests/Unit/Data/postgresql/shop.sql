-- A small shop with every kind of object that a table can carry.
CREATE ROLE shop_owner LOGIN;
CREATE ROLE shop_reader;
CREATE DATABASE shop OWNER shop_owner ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;
CREATE DATABASE "Odd ""Base" OWNER shop_owner TEMPLATE template0;
ALTER DATABASE shop SET timezone TO 'UTC';
ALTER DATABASE shop SET search_path TO public, sales;
ALTER ROLE shop_owner IN DATABASE shop SET work_mem TO '8MB';
GRANT CONNECT ON DATABASE shop TO shop_reader;
COMMENT ON DATABASE shop IS 'The shop';
\connect shop
CREATE EXTENSION pgcrypto;
SET ROLE shop_owner;
RESET ROLE;
CREATE SCHEMA sales AUTHORIZATION shop_owner;
CREATE TYPE sales.state AS ENUM ('open', 'paid; not sent', 'sent');
CREATE DOMAIN sales.cents AS bigint CHECK (VALUE >= 0);
CREATE TABLE public.customers (id serial PRIMARY KEY, name text NOT NULL, email text UNIQUE, note text DEFAULT 'none; yet');
COMMENT ON TABLE public.customers IS 'Who buys';
COMMENT ON COLUMN public.customers.email IS E'two\nlines; -- PostgreSQL database dump complete';
INSERT INTO customers(name, email, note) SELECT 'c' || i, 'c' || i || '@example.org', E'a\tb\\.\nc' FROM generate_series(1, 5) i;
CREATE TABLE sales.orders (id bigint GENERATED ALWAYS AS IDENTITY, customer int NOT NULL REFERENCES public.customers(id) ON DELETE CASCADE,
  state sales.state DEFAULT 'open', price sales.cents, placed timestamptz DEFAULT '2026-01-01 00:00:00+00', CONSTRAINT orders_pk PRIMARY KEY (id), CHECK (price < 1000000));
CREATE INDEX orders_state ON sales.orders (state) WHERE price > 10;
CREATE STATISTICS sales.orders_stat (dependencies) ON customer, state FROM sales.orders;
COMMENT ON CONSTRAINT orders_pk ON sales.orders IS 'the key';
COMMENT ON INDEX sales.orders_state IS 'by state';
INSERT INTO sales.orders(customer, price) SELECT 1 + i % 5, i FROM generate_series(1, 12) i;
CREATE FUNCTION sales.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
/*
-- Data for Name: lies; Type: TABLE DATA; Schema: public; Owner: postgres
COPY public.lies (a) FROM stdin;
\.
--
-- PostgreSQL database dump complete
--
*/
  NEW.placed := now(); RETURN NEW;
END $$;
CREATE TRIGGER touch BEFORE UPDATE ON sales.orders FOR EACH ROW EXECUTE FUNCTION sales.touch();
CREATE RULE no_delete AS ON DELETE TO sales.orders WHERE old.price > 100 DO INSTEAD NOTHING;
COMMENT ON TRIGGER touch ON sales.orders IS 'touches';
ALTER TABLE sales.orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON sales.orders USING (customer > 0);
GRANT SELECT ON sales.orders TO shop_reader;
GRANT SELECT (name) ON public.customers TO shop_reader;
GRANT USAGE ON SEQUENCE public.customers_id_seq TO shop_reader;
CREATE TABLE public."Odd "" Name; x" (id int PRIMARY KEY, "the value" text);
INSERT INTO public."Odd "" Name; x" VALUES (1, 'x'), (2, NULL);
CREATE TABLE public.orders (id int);
INSERT INTO public.orders VALUES (7);
CREATE TABLE public."two
lines" (id int);
INSERT INTO public."two
lines" VALUES (1), (2), (3);
CREATE TABLE public.empty_one (id int);
CREATE TABLE public.no_columns ();
INSERT INTO public.no_columns DEFAULT VALUES;
CREATE TABLE public.events (id bigserial, at date NOT NULL, kind text NOT NULL, PRIMARY KEY (id, at, kind)) PARTITION BY RANGE (at);
CREATE TABLE public.events_2025 PARTITION OF public.events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE public.events_2026 PARTITION OF public.events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE public.events_late PARTITION OF public.events DEFAULT PARTITION BY LIST (kind);
CREATE TABLE public.events_late_x PARTITION OF public.events_late DEFAULT;
CREATE INDEX events_kind ON public.events (kind);
INSERT INTO public.events(at, kind) SELECT date '2025-06-01' + 40 * i, 'k' || i FROM generate_series(1, 20) i;
CREATE TABLE public.parent (a int); CREATE TABLE public.child (b int) INHERITS (public.parent);
CREATE SEQUENCE public.free_seq; SELECT nextval('public.free_seq');
CREATE VIEW public.v_orders AS SELECT o.id, c.name FROM sales.orders o JOIN customers c ON c.id = o.customer;
CREATE MATERIALIZED VIEW public.m_orders AS SELECT count(*) AS n FROM sales.orders;
CREATE FUNCTION public.tricky() RETURNS text LANGUAGE sql RETURN 'a;b';
CREATE FUNCTION public.tricky2() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;
COMMENT ON FUNCTION public.tricky() IS '$$ ; -- "';
CREATE VIEW public.grouped AS SELECT c.id, c.name, count(*) AS n FROM customers c GROUP BY c.id;
CREATE FUNCTION public.twice(i int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2 * i';
CREATE TABLE public.uses_twice (i int, j int GENERATED ALWAYS AS (public.twice(i)) STORED, CHECK (public.twice(i) > 0));
CREATE INDEX twice_idx ON public.uses_twice (public.twice(i));
INSERT INTO public.uses_twice(i) VALUES (3);
CREATE PUBLICATION pub FOR TABLE sales.orders;
ALTER TABLE sales.orders OWNER TO shop_owner;
ALTER TABLE public.customers OWNER TO shop_owner;
SELECT lo_from_bytea(4711, 'hello');
ALTER DEFAULT PRIVILEGES IN SCHEMA sales GRANT SELECT ON TABLES TO shop_reader;
CREATE FUNCTION sales.evt() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER ev ON ddl_command_start EXECUTE FUNCTION sales.evt();
ANALYZE;
\connect "Odd ""Base"
CREATE TABLE t (x text);
INSERT INTO t VALUES ('\connect nowhere'), (E'\\connect other'), ('-- PostgreSQL database dump complete');
\connect postgres
CREATE TABLE leftover (i int); INSERT INTO leftover VALUES (1), (2);
