--
-- PostgreSQL database cluster dump
--

\restrict RUstFkp9DyadoDhV5IXUFEUZJ9UahYdaXzcaVU4MD2lNrhiLrpOjr6tM30w8cqz

SET default_transaction_read_only = off;

SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;

--
-- Roles
--

CREATE ROLE postgres;
ALTER ROLE postgres WITH SUPERUSER INHERIT CREATEROLE CREATEDB LOGIN REPLICATION BYPASSRLS;
CREATE ROLE shop_owner;
ALTER ROLE shop_owner WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION NOBYPASSRLS;
CREATE ROLE shop_reader;
ALTER ROLE shop_reader WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB NOLOGIN NOREPLICATION NOBYPASSRLS;

--
-- User Configurations
--








\unrestrict RUstFkp9DyadoDhV5IXUFEUZJ9UahYdaXzcaVU4MD2lNrhiLrpOjr6tM30w8cqz

--
-- Databases
--

--
-- Database "template1" dump
--

\connect template1

--
-- PostgreSQL database dump
--

\restrict uralOAht4S6FTBU7YdQApu0BK6yYZ5xTsFgkjc1EGdO1noZQfeNhULcj9Kucj1K

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- PostgreSQL database dump complete
--

\unrestrict uralOAht4S6FTBU7YdQApu0BK6yYZ5xTsFgkjc1EGdO1noZQfeNhULcj9Kucj1K

--
-- Database "Odd "Base" dump
--

--
-- PostgreSQL database dump
--

\restrict hNbsfmbz1ygHnIj7imisjICwZpKh0ZLQGnuu6v9gia9mCMRdq0BPkp5m84ivdzu

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: Odd "Base; Type: DATABASE; Schema: -; Owner: shop_owner
--

CREATE DATABASE "Odd ""Base" WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'C.UTF-8';


ALTER DATABASE "Odd ""Base" OWNER TO shop_owner;

\unrestrict hNbsfmbz1ygHnIj7imisjICwZpKh0ZLQGnuu6v9gia9mCMRdq0BPkp5m84ivdzu
\encoding SQL_ASCII
\connect -reuse-previous=on "dbname='Odd ""Base'"
\restrict hNbsfmbz1ygHnIj7imisjICwZpKh0ZLQGnuu6v9gia9mCMRdq0BPkp5m84ivdzu

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: t; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.t (
    x text
);


ALTER TABLE public.t OWNER TO postgres;

--
-- Data for Name: t; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.t (x) FROM stdin;
\\connect nowhere
\\connect other
-- PostgreSQL database dump complete
\.


--
-- PostgreSQL database dump complete
--

\unrestrict hNbsfmbz1ygHnIj7imisjICwZpKh0ZLQGnuu6v9gia9mCMRdq0BPkp5m84ivdzu

--
-- Database "postgres" dump
--

\connect postgres

--
-- PostgreSQL database dump
--

\restrict JGbh1k60l35lbOxwkYpEzcY5OBKuL7GZkplfGyMoVdqEyvCaOBnJwJE7ccRPzwL

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: leftover; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.leftover (
    i integer
);


ALTER TABLE public.leftover OWNER TO postgres;

--
-- Data for Name: leftover; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.leftover (i) FROM stdin;
1
2
\.


--
-- PostgreSQL database dump complete
--

\unrestrict JGbh1k60l35lbOxwkYpEzcY5OBKuL7GZkplfGyMoVdqEyvCaOBnJwJE7ccRPzwL

--
-- Database "shop" dump
--

--
-- PostgreSQL database dump
--

\restrict UDG6WY0llI1bb1bbASHwszpoTRRF5X6JwFr2j4sPIkqDMDdBePeU6tQhxeUddPu

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: shop; Type: DATABASE; Schema: -; Owner: shop_owner
--

CREATE DATABASE shop WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'C';


ALTER DATABASE shop OWNER TO shop_owner;

\unrestrict UDG6WY0llI1bb1bbASHwszpoTRRF5X6JwFr2j4sPIkqDMDdBePeU6tQhxeUddPu
\connect shop
\restrict UDG6WY0llI1bb1bbASHwszpoTRRF5X6JwFr2j4sPIkqDMDdBePeU6tQhxeUddPu

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: DATABASE shop; Type: COMMENT; Schema: -; Owner: shop_owner
--

COMMENT ON DATABASE shop IS 'The shop';


--
-- Name: shop; Type: DATABASE PROPERTIES; Schema: -; Owner: shop_owner
--

ALTER DATABASE shop SET "TimeZone" TO 'UTC';
ALTER DATABASE shop SET search_path TO 'public', 'sales';
ALTER ROLE shop_owner IN DATABASE shop SET work_mem TO '8MB';


\unrestrict UDG6WY0llI1bb1bbASHwszpoTRRF5X6JwFr2j4sPIkqDMDdBePeU6tQhxeUddPu
\connect shop
\restrict UDG6WY0llI1bb1bbASHwszpoTRRF5X6JwFr2j4sPIkqDMDdBePeU6tQhxeUddPu

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: sales; Type: SCHEMA; Schema: -; Owner: shop_owner
--

CREATE SCHEMA sales;


ALTER SCHEMA sales OWNER TO shop_owner;

--
-- Name: pgcrypto; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA public;


--
-- Name: EXTENSION pgcrypto; Type: COMMENT; Schema: -; Owner: 
--

COMMENT ON EXTENSION pgcrypto IS 'cryptographic functions';


--
-- Name: cents; Type: DOMAIN; Schema: sales; Owner: postgres
--

CREATE DOMAIN sales.cents AS bigint
	CONSTRAINT cents_check CHECK ((VALUE >= 0));


ALTER DOMAIN sales.cents OWNER TO postgres;

--
-- Name: state; Type: TYPE; Schema: sales; Owner: postgres
--

CREATE TYPE sales.state AS ENUM (
    'open',
    'paid; not sent',
    'sent'
);


ALTER TYPE sales.state OWNER TO postgres;

--
-- Name: tricky(); Type: FUNCTION; Schema: public; Owner: postgres
--

CREATE FUNCTION public.tricky() RETURNS text
    LANGUAGE sql
    RETURN 'a;b'::text;


ALTER FUNCTION public.tricky() OWNER TO postgres;

--
-- Name: FUNCTION tricky(); Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON FUNCTION public.tricky() IS '$$ ; -- "';


--
-- Name: tricky2(); Type: FUNCTION; Schema: public; Owner: postgres
--

CREATE FUNCTION public.tricky2() RETURNS integer
    LANGUAGE sql
    BEGIN ATOMIC
 SELECT 1;
 SELECT 2;
END;


ALTER FUNCTION public.tricky2() OWNER TO postgres;

--
-- Name: twice(integer); Type: FUNCTION; Schema: public; Owner: postgres
--

CREATE FUNCTION public.twice(i integer) RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $$SELECT 2 * i$$;


ALTER FUNCTION public.twice(i integer) OWNER TO postgres;

--
-- Name: evt(); Type: FUNCTION; Schema: sales; Owner: postgres
--

CREATE FUNCTION sales.evt() RETURNS event_trigger
    LANGUAGE plpgsql
    AS $$BEGIN END$$;


ALTER FUNCTION sales.evt() OWNER TO postgres;

--
-- Name: touch(); Type: FUNCTION; Schema: sales; Owner: postgres
--

CREATE FUNCTION sales.touch() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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


ALTER FUNCTION sales.touch() OWNER TO postgres;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: Odd " Name; x; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public."Odd "" Name; x" (
    id integer NOT NULL,
    "the value" text
);


ALTER TABLE public."Odd "" Name; x" OWNER TO postgres;

--
-- Name: parent; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.parent (
    a integer
);


ALTER TABLE public.parent OWNER TO postgres;

--
-- Name: child; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.child (
    b integer
)
INHERITS (public.parent);


ALTER TABLE public.child OWNER TO postgres;

--
-- Name: customers; Type: TABLE; Schema: public; Owner: shop_owner
--

CREATE TABLE public.customers (
    id integer NOT NULL,
    name text NOT NULL,
    email text,
    note text DEFAULT 'none; yet'::text
);


ALTER TABLE public.customers OWNER TO shop_owner;

--
-- Name: TABLE customers; Type: COMMENT; Schema: public; Owner: shop_owner
--

COMMENT ON TABLE public.customers IS 'Who buys';


--
-- Name: COLUMN customers.email; Type: COMMENT; Schema: public; Owner: shop_owner
--

COMMENT ON COLUMN public.customers.email IS 'two
lines; -- PostgreSQL database dump complete';


--
-- Name: customers_id_seq; Type: SEQUENCE; Schema: public; Owner: shop_owner
--

CREATE SEQUENCE public.customers_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE public.customers_id_seq OWNER TO shop_owner;

--
-- Name: customers_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: shop_owner
--

ALTER SEQUENCE public.customers_id_seq OWNED BY public.customers.id;


--
-- Name: empty_one; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.empty_one (
    id integer
);


ALTER TABLE public.empty_one OWNER TO postgres;

--
-- Name: events; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.events (
    id bigint NOT NULL,
    at date NOT NULL,
    kind text NOT NULL
)
PARTITION BY RANGE (at);


ALTER TABLE public.events OWNER TO postgres;

--
-- Name: events_id_seq; Type: SEQUENCE; Schema: public; Owner: postgres
--

CREATE SEQUENCE public.events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE public.events_id_seq OWNER TO postgres;

--
-- Name: events_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: postgres
--

ALTER SEQUENCE public.events_id_seq OWNED BY public.events.id;


--
-- Name: events_2025; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.events_2025 (
    id bigint DEFAULT nextval('public.events_id_seq'::regclass) NOT NULL,
    at date NOT NULL,
    kind text NOT NULL
);


ALTER TABLE public.events_2025 OWNER TO postgres;

--
-- Name: events_2026; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.events_2026 (
    id bigint DEFAULT nextval('public.events_id_seq'::regclass) NOT NULL,
    at date NOT NULL,
    kind text NOT NULL
);


ALTER TABLE public.events_2026 OWNER TO postgres;

--
-- Name: events_late; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.events_late (
    id bigint DEFAULT nextval('public.events_id_seq'::regclass) NOT NULL,
    at date NOT NULL,
    kind text NOT NULL
)
PARTITION BY LIST (kind);


ALTER TABLE public.events_late OWNER TO postgres;

--
-- Name: events_late_x; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.events_late_x (
    id bigint DEFAULT nextval('public.events_id_seq'::regclass) NOT NULL,
    at date NOT NULL,
    kind text NOT NULL
);


ALTER TABLE public.events_late_x OWNER TO postgres;

--
-- Name: free_seq; Type: SEQUENCE; Schema: public; Owner: postgres
--

CREATE SEQUENCE public.free_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE public.free_seq OWNER TO postgres;

--
-- Name: grouped; Type: VIEW; Schema: public; Owner: postgres
--

CREATE VIEW public.grouped AS
SELECT
    NULL::integer AS id,
    NULL::text AS name,
    NULL::bigint AS n;


ALTER TABLE public.grouped OWNER TO postgres;

--
-- Name: orders; Type: TABLE; Schema: sales; Owner: shop_owner
--

CREATE TABLE sales.orders (
    id bigint NOT NULL,
    customer integer NOT NULL,
    state sales.state DEFAULT 'open'::sales.state,
    price sales.cents,
    placed timestamp with time zone DEFAULT '2026-01-01 00:00:00+00'::timestamp with time zone,
    CONSTRAINT orders_price_check CHECK (((price)::bigint < 1000000))
);


ALTER TABLE sales.orders OWNER TO shop_owner;

--
-- Name: m_orders; Type: MATERIALIZED VIEW; Schema: public; Owner: postgres
--

CREATE MATERIALIZED VIEW public.m_orders AS
 SELECT count(*) AS n
   FROM sales.orders
  WITH NO DATA;


ALTER TABLE public.m_orders OWNER TO postgres;

--
-- Name: no_columns; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.no_columns (
);


ALTER TABLE public.no_columns OWNER TO postgres;

--
-- Name: orders; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.orders (
    id integer
);


ALTER TABLE public.orders OWNER TO postgres;

--
-- Name: two lines; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public."two
lines" (
    id integer
);


ALTER TABLE public."two
lines" OWNER TO postgres;

--
-- Name: uses_twice; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.uses_twice (
    i integer,
    j integer GENERATED ALWAYS AS (public.twice(i)) STORED,
    CONSTRAINT uses_twice_i_check CHECK ((public.twice(i) > 0))
);


ALTER TABLE public.uses_twice OWNER TO postgres;

--
-- Name: v_orders; Type: VIEW; Schema: public; Owner: postgres
--

CREATE VIEW public.v_orders AS
 SELECT o.id,
    c.name
   FROM (sales.orders o
     JOIN public.customers c ON ((c.id = o.customer)));


ALTER TABLE public.v_orders OWNER TO postgres;

--
-- Name: orders_id_seq; Type: SEQUENCE; Schema: sales; Owner: shop_owner
--

ALTER TABLE sales.orders ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME sales.orders_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: events_2025; Type: TABLE ATTACH; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.events ATTACH PARTITION public.events_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');


--
-- Name: events_2026; Type: TABLE ATTACH; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.events ATTACH PARTITION public.events_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');


--
-- Name: events_late; Type: TABLE ATTACH; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.events ATTACH PARTITION public.events_late DEFAULT;


--
-- Name: events_late_x; Type: TABLE ATTACH; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.events_late ATTACH PARTITION public.events_late_x DEFAULT;


--
-- Name: customers id; Type: DEFAULT; Schema: public; Owner: shop_owner
--

ALTER TABLE ONLY public.customers ALTER COLUMN id SET DEFAULT nextval('public.customers_id_seq'::regclass);


--
-- Name: events id; Type: DEFAULT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.events ALTER COLUMN id SET DEFAULT nextval('public.events_id_seq'::regclass);


--
-- Name: 4711; Type: BLOB; Schema: -; Owner: postgres
--

SELECT pg_catalog.lo_create('4711');


ALTER LARGE OBJECT 4711 OWNER TO postgres;

--
-- Data for Name: Odd " Name; x; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public."Odd "" Name; x" (id, "the value") FROM stdin;
1	x
2	\N
\.


--
-- Data for Name: child; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.child (a, b) FROM stdin;
\.


--
-- Data for Name: customers; Type: TABLE DATA; Schema: public; Owner: shop_owner
--

COPY public.customers (id, name, email, note) FROM stdin;
1	c1	c1@example.org	a\tb\\.\nc
2	c2	c2@example.org	a\tb\\.\nc
3	c3	c3@example.org	a\tb\\.\nc
4	c4	c4@example.org	a\tb\\.\nc
5	c5	c5@example.org	a\tb\\.\nc
\.


--
-- Data for Name: empty_one; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.empty_one (id) FROM stdin;
\.


--
-- Data for Name: events_2025; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.events_2025 (id, at, kind) FROM stdin;
1	2025-07-11	k1
2	2025-08-20	k2
3	2025-09-29	k3
4	2025-11-08	k4
5	2025-12-18	k5
\.


--
-- Data for Name: events_2026; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.events_2026 (id, at, kind) FROM stdin;
6	2026-01-27	k6
7	2026-03-08	k7
8	2026-04-17	k8
9	2026-05-27	k9
10	2026-07-06	k10
11	2026-08-15	k11
12	2026-09-24	k12
13	2026-11-03	k13
14	2026-12-13	k14
\.


--
-- Data for Name: events_late_x; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.events_late_x (id, at, kind) FROM stdin;
15	2027-01-22	k15
16	2027-03-03	k16
17	2027-04-12	k17
18	2027-05-22	k18
19	2027-07-01	k19
20	2027-08-10	k20
\.


--
-- Data for Name: no_columns; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.no_columns  FROM stdin;

\.


--
-- Data for Name: orders; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.orders (id) FROM stdin;
7
\.


--
-- Data for Name: parent; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.parent (a) FROM stdin;
\.


--
-- Data for Name: two lines; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public."two
lines" (id) FROM stdin;
1
2
3
\.


--
-- Data for Name: uses_twice; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.uses_twice (i) FROM stdin;
3
\.


--
-- Data for Name: orders; Type: TABLE DATA; Schema: sales; Owner: shop_owner
--

COPY sales.orders (id, customer, state, price, placed) FROM stdin;
1	2	open	1	2026-01-01 00:00:00+00
2	3	open	2	2026-01-01 00:00:00+00
3	4	open	3	2026-01-01 00:00:00+00
4	5	open	4	2026-01-01 00:00:00+00
5	1	open	5	2026-01-01 00:00:00+00
6	2	open	6	2026-01-01 00:00:00+00
7	3	open	7	2026-01-01 00:00:00+00
8	4	open	8	2026-01-01 00:00:00+00
9	5	open	9	2026-01-01 00:00:00+00
10	1	open	10	2026-01-01 00:00:00+00
11	2	open	11	2026-01-01 00:00:00+00
12	3	open	12	2026-01-01 00:00:00+00
\.


--
-- Name: customers_id_seq; Type: SEQUENCE SET; Schema: public; Owner: shop_owner
--

SELECT pg_catalog.setval('public.customers_id_seq', 5, true);


--
-- Name: events_id_seq; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.events_id_seq', 20, true);


--
-- Name: free_seq; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.free_seq', 1, true);


--
-- Name: orders_id_seq; Type: SEQUENCE SET; Schema: sales; Owner: shop_owner
--

SELECT pg_catalog.setval('sales.orders_id_seq', 12, true);


--
-- Data for Name: BLOBS; Type: BLOBS; Schema: -; Owner: -
--

BEGIN;

SELECT pg_catalog.lo_open('4711', 131072);
SELECT pg_catalog.lowrite(0, '\x68656c6c6f');
SELECT pg_catalog.lo_close(0);

COMMIT;

--
-- Name: Odd " Name; x Odd " Name; x_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public."Odd "" Name; x"
    ADD CONSTRAINT "Odd "" Name; x_pkey" PRIMARY KEY (id);


--
-- Name: customers customers_email_key; Type: CONSTRAINT; Schema: public; Owner: shop_owner
--

ALTER TABLE ONLY public.customers
    ADD CONSTRAINT customers_email_key UNIQUE (email);


--
-- Name: customers customers_pkey; Type: CONSTRAINT; Schema: public; Owner: shop_owner
--

ALTER TABLE ONLY public.customers
    ADD CONSTRAINT customers_pkey PRIMARY KEY (id);


--
-- Name: events events_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (id, at, kind);


--
-- Name: events_2025 events_2025_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.events_2025
    ADD CONSTRAINT events_2025_pkey PRIMARY KEY (id, at, kind);


--
-- Name: events_2026 events_2026_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.events_2026
    ADD CONSTRAINT events_2026_pkey PRIMARY KEY (id, at, kind);


--
-- Name: events_late events_late_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.events_late
    ADD CONSTRAINT events_late_pkey PRIMARY KEY (id, at, kind);


--
-- Name: events_late_x events_late_x_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.events_late_x
    ADD CONSTRAINT events_late_x_pkey PRIMARY KEY (id, at, kind);


--
-- Name: orders orders_pk; Type: CONSTRAINT; Schema: sales; Owner: shop_owner
--

ALTER TABLE ONLY sales.orders
    ADD CONSTRAINT orders_pk PRIMARY KEY (id);


--
-- Name: CONSTRAINT orders_pk ON orders; Type: COMMENT; Schema: sales; Owner: shop_owner
--

COMMENT ON CONSTRAINT orders_pk ON sales.orders IS 'the key';


--
-- Name: events_kind; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX events_kind ON ONLY public.events USING btree (kind);


--
-- Name: events_2025_kind_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX events_2025_kind_idx ON public.events_2025 USING btree (kind);


--
-- Name: events_2026_kind_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX events_2026_kind_idx ON public.events_2026 USING btree (kind);


--
-- Name: events_late_kind_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX events_late_kind_idx ON ONLY public.events_late USING btree (kind);


--
-- Name: events_late_x_kind_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX events_late_x_kind_idx ON public.events_late_x USING btree (kind);


--
-- Name: twice_idx; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX twice_idx ON public.uses_twice USING btree (public.twice(i));


--
-- Name: orders_state; Type: INDEX; Schema: sales; Owner: shop_owner
--

CREATE INDEX orders_state ON sales.orders USING btree (state) WHERE ((price)::bigint > 10);


--
-- Name: INDEX orders_state; Type: COMMENT; Schema: sales; Owner: shop_owner
--

COMMENT ON INDEX sales.orders_state IS 'by state';


--
-- Name: events_2025_kind_idx; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.events_kind ATTACH PARTITION public.events_2025_kind_idx;


--
-- Name: events_2025_pkey; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.events_pkey ATTACH PARTITION public.events_2025_pkey;


--
-- Name: events_2026_kind_idx; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.events_kind ATTACH PARTITION public.events_2026_kind_idx;


--
-- Name: events_2026_pkey; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.events_pkey ATTACH PARTITION public.events_2026_pkey;


--
-- Name: events_late_kind_idx; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.events_kind ATTACH PARTITION public.events_late_kind_idx;


--
-- Name: events_late_pkey; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.events_pkey ATTACH PARTITION public.events_late_pkey;


--
-- Name: events_late_x_kind_idx; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.events_late_kind_idx ATTACH PARTITION public.events_late_x_kind_idx;


--
-- Name: events_late_x_pkey; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.events_late_pkey ATTACH PARTITION public.events_late_x_pkey;


--
-- Name: orders_stat; Type: STATISTICS; Schema: sales; Owner: postgres
--

CREATE STATISTICS sales.orders_stat (dependencies) ON customer, state FROM sales.orders;


ALTER STATISTICS sales.orders_stat OWNER TO postgres;

--
-- Name: grouped _RETURN; Type: RULE; Schema: public; Owner: postgres
--

CREATE OR REPLACE VIEW public.grouped AS
 SELECT c.id,
    c.name,
    count(*) AS n
   FROM public.customers c
  GROUP BY c.id;


--
-- Name: orders no_delete; Type: RULE; Schema: sales; Owner: shop_owner
--

CREATE RULE no_delete AS
    ON DELETE TO sales.orders
   WHERE ((old.price)::bigint > 100) DO INSTEAD NOTHING;


--
-- Name: orders touch; Type: TRIGGER; Schema: sales; Owner: shop_owner
--

CREATE TRIGGER touch BEFORE UPDATE ON sales.orders FOR EACH ROW EXECUTE FUNCTION sales.touch();


--
-- Name: TRIGGER touch ON orders; Type: COMMENT; Schema: sales; Owner: shop_owner
--

COMMENT ON TRIGGER touch ON sales.orders IS 'touches';


--
-- Name: orders orders_customer_fkey; Type: FK CONSTRAINT; Schema: sales; Owner: shop_owner
--

ALTER TABLE ONLY sales.orders
    ADD CONSTRAINT orders_customer_fkey FOREIGN KEY (customer) REFERENCES public.customers(id) ON DELETE CASCADE;


--
-- Name: orders mine; Type: POLICY; Schema: sales; Owner: shop_owner
--

CREATE POLICY mine ON sales.orders USING ((customer > 0));


--
-- Name: orders; Type: ROW SECURITY; Schema: sales; Owner: shop_owner
--

ALTER TABLE sales.orders ENABLE ROW LEVEL SECURITY;

--
-- Name: pub; Type: PUBLICATION; Schema: -; Owner: postgres
--

CREATE PUBLICATION pub WITH (publish = 'insert, update, delete, truncate');


ALTER PUBLICATION pub OWNER TO postgres;

--
-- Name: pub orders; Type: PUBLICATION TABLE; Schema: sales; Owner: postgres
--

ALTER PUBLICATION pub ADD TABLE ONLY sales.orders;


--
-- Name: DATABASE shop; Type: ACL; Schema: -; Owner: shop_owner
--

GRANT CONNECT ON DATABASE shop TO shop_reader;


--
-- Name: COLUMN customers.name; Type: ACL; Schema: public; Owner: shop_owner
--

GRANT SELECT(name) ON TABLE public.customers TO shop_reader;


--
-- Name: SEQUENCE customers_id_seq; Type: ACL; Schema: public; Owner: shop_owner
--

GRANT USAGE ON SEQUENCE public.customers_id_seq TO shop_reader;


--
-- Name: TABLE orders; Type: ACL; Schema: sales; Owner: shop_owner
--

GRANT SELECT ON TABLE sales.orders TO shop_reader;


--
-- Name: DEFAULT PRIVILEGES FOR TABLES; Type: DEFAULT ACL; Schema: sales; Owner: postgres
--

ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA sales GRANT SELECT ON TABLES  TO shop_reader;


--
-- Name: ev; Type: EVENT TRIGGER; Schema: -; Owner: postgres
--

CREATE EVENT TRIGGER ev ON ddl_command_start
   EXECUTE FUNCTION sales.evt();


ALTER EVENT TRIGGER ev OWNER TO postgres;

--
-- Name: m_orders; Type: MATERIALIZED VIEW DATA; Schema: public; Owner: postgres
--

REFRESH MATERIALIZED VIEW public.m_orders;


--
-- PostgreSQL database dump complete
--

\unrestrict UDG6WY0llI1bb1bbASHwszpoTRRF5X6JwFr2j4sPIkqDMDdBePeU6tQhxeUddPu

--
-- PostgreSQL database cluster dump complete
--

