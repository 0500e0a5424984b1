using System.Globalization;
using Microsoft.Data.Sqlite;

namespace DbBackup.TestHost;

/// <summary>An application that uses a SQLite database.</summary>
internal static class Application
{
    /// <summary>
    /// Writes a pair of rows a transaction, into two tables, for as long as it lives, and says after each commit which one it was.
    /// </summary>
    public static void WritePairs(string database)
    {
        using SqliteConnection connection = Open(database);
        Execute(connection, "CREATE TABLE IF NOT EXISTS left_half(id INTEGER PRIMARY KEY, filler TEXT)");
        Execute(connection, "CREATE TABLE IF NOT EXISTS right_half(id INTEGER PRIMARY KEY, filler TEXT)");
        for (long id = 1 + Number(connection, "SELECT coalesce(max(id), 0) FROM left_half"); ; id++)
        {
            WritePair(connection, id);
            Say("committed", id);
        }
    }

    /// <summary>The same from a program that comes and goes: each pair has a connection of its own.</summary>
    public static void Visit(string database)
    {
        for (long id = 1; ; id++)
        {
            using (SqliteConnection connection = Open(database))
            {
                try
                {
                    WritePair(connection, id);
                }
                catch (SqliteException exception)
                {
                    Console.WriteLine("refused " + exception.Message);
                    continue;
                }
            }

            Say("committed", id);
            // Other processes find a moment without a connection, also on a busy machine.
            Thread.Sleep(Random.Shared.Next(id % 5 == 0 ? 4000 : 500));
        }
    }

    /// <summary>Keeps a connection open and runs each line of its input as a query.</summary>
    public static void Hold(string database)
    {
        using SqliteConnection connection = Open(database);
        Execute(connection, "SELECT count(*) FROM sqlite_master");
        Console.WriteLine("ready");
        while (Console.ReadLine() is { } line)
        {
            try
            {
                using SqliteCommand command = connection.CreateCommand();
                command.CommandText = line;
                Console.WriteLine(Convert.ToString(command.ExecuteScalar(), CultureInfo.InvariantCulture));
            }
            catch (SqliteException exception)
            {
                Console.WriteLine("error " + exception.Message);
            }
        }
    }

    private static void WritePair(SqliteConnection connection, long id)
    {
        using SqliteTransaction transaction = connection.BeginTransaction();
        foreach (string table in (string[])["left_half", "right_half"])
            Execute(connection, string.Create(CultureInfo.InvariantCulture, $"INSERT INTO {table} VALUES ({id}, hex(randomblob(300)))"), transaction);
        transaction.Commit();
    }

    private static SqliteConnection Open(string database)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = database, Pooling = false, DefaultTimeout = 60 }.ToString());
        connection.Open();
        return connection;
    }

    private static void Execute(SqliteConnection connection, string sql, SqliteTransaction? transaction = null)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.Transaction = transaction;
        command.ExecuteNonQuery();
    }

    private static long Number(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    private static void Say(string word, long id)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{word} {id}"));
        Console.Out.Flush();
    }
}
