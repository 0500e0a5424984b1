namespace DbBackup.Testing;

/// <summary>A server for one class of tests: they run one after the other, so what is left on it was left by them.</summary>
public sealed class OwnPostgreSqlServer : IDisposable
{
    // Not in the constructor: a test can be skipped, a fixture cannot.
    private readonly Lazy<PostgreSqlServer> _server = new(() => PostgreSqlServer.Start(new PostgreSqlOptions
    {
        Settings = new Dictionary<string, string> { ["max_prepared_transactions"] = "5" },
    }));

    internal PostgreSqlServer Server => _server.Value;

    public void Dispose()
    {
        if (_server.IsValueCreated)
            _server.Value.Dispose();
    }
}
