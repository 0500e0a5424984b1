# An application's surroundings. Its writer is started by the tests: docker run ... python3 /opt/dbbackup-test/writer.py ...
ARG BASE
FROM $BASE
ENV LANG=C.UTF-8 PYTHONUNBUFFERED=1
COPY sleeper /usr/local/bin/sleeper
COPY writer.py /opt/dbbackup-test/writer.py
CMD ["/usr/local/bin/sleeper"]
