# Behaves as the official postgres image does, as far as the tests look: variables, pg_hba.conf, volume, signal.
ARG BASE
FROM $BASE
ARG MAJOR VERSION DATA VOLUME
ENV LANG=C.UTF-8 PG_MAJOR=$MAJOR PG_VERSION=$VERSION PGDATA=$DATA \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postgresql/$MAJOR/bin
COPY postgres-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
# The version's own programs come before Debian's wrappers, which look for clusters in /etc/postgresql.
RUN chmod 755 /usr/local/bin/docker-entrypoint.sh \
    && for program in pg_dump pg_dumpall pg_restore psql createdb dropdb createuser pg_isready; do ln -sf "/usr/lib/postgresql/$PG_MAJOR/bin/$program" "/usr/bin/$program"; done \
    && sed -i "s/^#listen_addresses = .*/listen_addresses = '*'/; s|^#unix_socket_directories = .*|unix_socket_directories = '/var/run/postgresql'|" "/usr/share/postgresql/$PG_MAJOR/postgresql.conf.sample" \
    && grep -q "^listen_addresses = '\*'" "/usr/share/postgresql/$PG_MAJOR/postgresql.conf.sample" \
    && mkdir -p /docker-entrypoint-initdb.d /var/run/postgresql "$PGDATA" \
    && chown -R postgres:postgres /var/run/postgresql /var/lib/postgresql \
    && chmod 3777 /var/run/postgresql && chmod 1777 "$PGDATA"
VOLUME $VOLUME
EXPOSE 5432
STOPSIGNAL SIGINT
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
