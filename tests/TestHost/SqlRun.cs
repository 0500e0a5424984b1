using Microsoft.Data.Sqlite;

namespace DbBackup.TestHost;

/// <summary>Runs SQL as the stock program sqlite3 does, for machines that lack it.</summary>
internal static class SqlRun
{
    /// <summary>Runs a text, or what comes in, and prints each row on a line with "|" between its columns.</summary>
    public static void Execute(string database, string? sql)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = database, Pooling = false }.ToString());
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql ?? Console.In.ReadToEnd();
        if (command.CommandText.StartsWith('.'))
            throw new NotSupportedException("Dot commands need the program sqlite3 itself.");
        using SqliteDataReader reader = command.ExecuteReader();
        do
        {
            while (reader.Read())
                Console.WriteLine(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(column => reader.IsDBNull(column) ? string.Empty : reader.GetString(column))));
        }
        while (reader.NextResult());
    }
}
