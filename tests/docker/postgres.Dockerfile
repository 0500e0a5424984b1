# Behaves as the official postgres image does, as far as the tests look: variables, pg_hba.conf, volume, signal.
FROM dbbackup-test/base:latest
ENV LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postgresql/15/bin PGDATA=/var/lib/postgresql/data
COPY postgres-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
# The version's own programs come before Debian's wrappers, which look for clusters in /etc/postgresql.
RUN chmod 755 /usr/local/bin/docker-entrypoint.sh \
    && for program in pg_dump pg_dumpall pg_restore psql createdb dropdb createuser pg_isready; do ln -sf "/usr/lib/postgresql/15/bin/$program" "/usr/bin/$program"; done \
    && sed -i "s/^#listen_addresses = .*/listen_addresses = '*'/; s|^#unix_socket_directories = .*|unix_socket_directories = '/var/run/postgresql'|" /usr/share/postgresql/15/postgresql.conf.sample \
    && grep -q "^listen_addresses = '\*'" /usr/share/postgresql/15/postgresql.conf.sample \
    && mkdir -p /docker-entrypoint-initdb.d /var/run/postgresql "$PGDATA" \
    && chown postgres:postgres /var/run/postgresql "$PGDATA" \
    && chmod 3777 /var/run/postgresql && chmod 1777 "$PGDATA"
VOLUME /var/lib/postgresql/data
EXPOSE 5432
STOPSIGNAL SIGINT
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
