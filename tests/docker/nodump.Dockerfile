# A server without the programs that dump it; psql stays.
FROM dbbackup-test/postgres:15
RUN rm -f /usr/bin/pg_dump /usr/bin/pg_dumpall /usr/bin/pg_restore \
    /usr/lib/postgresql/15/bin/pg_dump /usr/lib/postgresql/15/bin/pg_dumpall /usr/lib/postgresql/15/bin/pg_restore
