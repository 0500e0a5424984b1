namespace DbBackup.Testing;

/// <summary>A database for one test, dropped afterwards whoever is connected to it.</summary>
internal sealed class TestDatabase(PostgreSqlServer server, string name) : IDisposable
{
    public PostgreSqlServer Server { get; } = server;

    public string Name { get; } = name;

    /// <summary>In the form of Npgsql, with the password.</summary>
    public string ConnectionString => Server.ConnectionString(Name);

    /// <summary>In the form of libpq's URIs, with the password.</summary>
    public string Uri => Server.Uri(Name);

    public void Execute(string sql) => Server.Execute(Name, sql);

    public string Query(string sql) => Server.Query(Name, sql);

    public void Load(string sqlFile) => Server.Load(Name, sqlFile);

    public string Dump(params string[] options) => Server.Dump(Name, options);

    public void Dispose()
    {
        if (Server.IsRunning)
            Server.Execute("postgres", $"DROP DATABASE IF EXISTS {PostgreSqlServer.SqlName(Name)} WITH (FORCE)");
    }
}
