# An application in versions: 1, 2, and others that want to be 2 and go wrong. shop.py says what it does, the case below what differs.
ARG BASE
FROM $BASE AS plain
ARG VERSION
ENV LANG=C.UTF-8 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 SHOP_VERSION=$VERSION
WORKDIR /app
COPY shop ./
COPY shop.py ./
RUN case $VERSION in 1) rm versions/r2.py ;; *migration) mv "broken/$VERSION.py" versions/r2.py ;; esac; rm -r broken
# Shows later that a volume without a name was one of these.
RUN mkdir data && touch data/.keep
VOLUME /app/data
EXPOSE 8000
CMD ["python3", "shop.py"]

FROM plain AS watched
HEALTHCHECK --interval=1s --timeout=5s --retries=2 CMD ["python3", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health')"]
