#!/usr/bin/env python3
"""The application under test: it never stops writing, and says what it has committed.

    writer.py [--pause SECONDS] rows <db> [journal_mode]       rows into SQLite
    writer.py [--pause SECONDS] attachments <db> <folder>      rows into SQLite that name files
    writer.py [--pause SECONDS] pg <conninfo> <folder>         the same into PostgreSQL (a password comes in PGPASSWORD)

Each id is printed when its row is committed: what was printed before a backup began must be in it. A row with a file is
committed after its file is whole, and deleted before it, so that every row's file is there at every moment.
SIGTERM ends it with exit code 0, after the step at hand.
"""
import argparse
import hashlib
import os
import random
import signal
import sqlite3
import threading
import time

ENDED = threading.Event()


def say(row):
    print(row, flush=True)


class Sqlite:
    """The statements of the application in SQLite."""

    def __init__(self, path, journal_mode=None):
        # A backup or a restore may hold the lock for long.
        self._connection = sqlite3.connect(path, timeout=60, isolation_level=None)
        if journal_mode:
            found = self._connection.execute(f"PRAGMA journal_mode = {journal_mode}").fetchone()[0]
            if found.lower() != journal_mode.lower():
                raise SystemExit(f"The journal mode stays {found}.")

    def create(self, table, columns):
        self._connection.execute(f"CREATE TABLE IF NOT EXISTS {table} (id INTEGER PRIMARY KEY AUTOINCREMENT, {columns})")

    def change(self, statement, *values):
        """One statement, committed when it returns; gives its first row, if it has any, or the id of what it inserted."""
        cursor = self._connection.execute(statement, values)
        row = cursor.fetchone()
        return row if cursor.description else (cursor.lastrowid,)


class PostgreSql:
    """The same in PostgreSQL. A server that is away is waited for, as a web application would."""

    def __init__(self, conninfo):
        self._conninfo = conninfo
        self._connection = None

    def create(self, table, columns):
        self.change(f"CREATE TABLE IF NOT EXISTS {table} (id bigserial PRIMARY KEY, {columns})")

    def change(self, statement, *values):
        import psycopg2

        statement = statement.replace("?", "%s")
        if statement.startswith("INSERT"):
            statement += " RETURNING id"
        while True:
            try:
                if self._connection is None:
                    self._connection = psycopg2.connect(self._conninfo)
                    self._connection.autocommit = True
                with self._connection.cursor() as cursor:
                    cursor.execute(statement, values or None)
                    return cursor.fetchone() if cursor.description else None
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                # Whether an insert was committed is unknown then: at worst a row is there twice, and one of them was not printed.
                self._connection = None
                if ENDED.wait(0.2):
                    raise SystemExit(0) from None


def write_rows(database, pause):
    database.create("entries", "payload TEXT NOT NULL, created REAL NOT NULL")
    while not ENDED.is_set():
        say(database.change("INSERT INTO entries (payload, created) VALUES (?, ?)", os.urandom(100).hex(), time.time())[0])
        ENDED.wait(pause)


def write_file(folder):
    """A whole file under a new name; gives the name, the size and the hash of what it holds."""
    content = os.urandom(random.randint(4096, 65536))
    name = os.urandom(12).hex() + ".bin"
    temporary = os.path.join(folder, f".{name}.tmp")
    with open(temporary, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.rename(temporary, os.path.join(folder, name))
    return name, len(content), hashlib.sha256(content).hexdigest()


def write_attachments(database, folder, pause):
    os.makedirs(folder, exist_ok=True)
    database.create("attachments", "file TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL, created REAL NOT NULL")
    step = 0
    while not ENDED.is_set():
        step += 1
        file = write_file(folder)
        say(database.change("INSERT INTO attachments (file, size, sha256, created) VALUES (?, ?, ?, ?)", *file, time.time())[0])
        if step % 10 == 0:
            oldest = database.change("SELECT id, file FROM attachments ORDER BY id LIMIT 1")
            if oldest:
                database.change("DELETE FROM attachments WHERE id = ?", oldest[0])
                try:
                    os.remove(os.path.join(folder, oldest[1]))
                except FileNotFoundError:
                    # Where two of them write, the other was faster.
                    pass
        ENDED.wait(pause)


def main():
    parser = argparse.ArgumentParser(description="The application under test.")
    parser.add_argument("--pause", type=float, default=0.002, help="seconds between steps, so that the disk does not fill at once")
    modes = parser.add_subparsers(dest="mode", required=True)
    rows = modes.add_parser("rows")
    rows.add_argument("database")
    rows.add_argument("journal_mode", nargs="?")
    attachments = modes.add_parser("attachments")
    attachments.add_argument("database")
    attachments.add_argument("folder")
    pg = modes.add_parser("pg")
    pg.add_argument("conninfo")
    pg.add_argument("folder")
    chosen = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ENDED.set())
    if chosen.mode == "rows":
        write_rows(Sqlite(chosen.database, chosen.journal_mode), chosen.pause)
    elif chosen.mode == "attachments":
        write_attachments(Sqlite(chosen.database), chosen.folder, chosen.pause)
    else:
        write_attachments(PostgreSql(chosen.conninfo), chosen.folder, chosen.pause)


if __name__ == "__main__":
    main()
