#!/usr/bin/env python3
"""An application with versions: a small server on port 8000 over the database in DATABASE_URL (PostgreSQL or SQLite).

    GET /health     200 when the database answers and has the schema revision that this version wants, otherwise 503
    GET /version    SHOP_VERSION
    GET /count      how many orders there are

It does not migrate at its start, unless AUTO_MIGRATE=1 says so; then it waits for the database first. With WRITE=1 it
inserts an order every 20 ms, and prints its id when it is committed. Version "crash" ends with exit code 3 two seconds
after its start; version "sick" is healthy for four seconds. SIGTERM ends it with exit code 0.
"""
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

VERSION = os.environ["SHOP_VERSION"]
REVISION = "r1" if VERSION == "1" else "r2"
# A server that was stopped or replaced has cut the connections in the pool.
ENGINE = create_engine(os.environ["DATABASE_URL"], pool_pre_ping=True)


def ask(statement):
    with ENGINE.connect() as connection:
        return connection.execute(text(statement)).scalar()


def wait_for_database():
    limit = time.monotonic() + 60
    while True:
        try:
            return ask("SELECT 1")
        except SQLAlchemyError:
            if time.monotonic() > limit:
                raise
            time.sleep(0.2)


def write():
    number = 0
    while True:
        number += 1
        try:
            with ENGINE.begin() as connection:
                statement = text("INSERT INTO orders (note) VALUES (:note) RETURNING id")
                row = connection.execute(statement, {"note": f"written {number}"}).scalar()
            print(row, flush=True)
        except SQLAlchemyError:
            pass  # Not there, not migrated or locked: it may be later.
        time.sleep(0.02)


class Handler(BaseHTTPRequestHandler):
    started = time.monotonic()

    def do_GET(self):
        status, answer = 200, ""
        try:
            if self.path == "/version":
                answer = VERSION
            elif self.path == "/count":
                answer = str(ask("SELECT count(*) FROM orders"))
            elif self.path == "/health":
                found = ask("SELECT version_num FROM alembic_version")
                sick = VERSION == "sick" and time.monotonic() > self.started + 4
                status = 200 if found == REVISION and not sick else 503
                answer = "sick" if sick else f"the schema is at {found}, wanted is {REVISION}"
            else:
                status = 404
        except SQLAlchemyError as error:
            status, answer = 503, str(error)
        body = (answer + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass  # Standard output is for the rows that were written.


def main():
    # As process 1 it would not be ended by the signal's default.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if os.environ.get("AUTO_MIGRATE") == "1":
        wait_for_database()
        if subprocess.call(["alembic", "upgrade", "head"]):
            sys.exit("The schema could not be migrated.")
    if os.environ.get("WRITE") == "1":
        threading.Thread(target=write, daemon=True).start()
    if VERSION == "crash":
        threading.Timer(2, os._exit, [3]).start()
    ThreadingHTTPServer(("", 8000), Handler).serve_forever()


if __name__ == "__main__":
    main()
