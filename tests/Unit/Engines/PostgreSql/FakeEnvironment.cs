using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Tests.Unit.Engines.PostgreSql;

/// <summary>A machine of which tests say all that connection settings are made of.</summary>
internal sealed class FakeEnvironment
{
    public Dictionary<string, string> Variables { get; } = [];

    public Dictionary<string, string> Files { get; } = [];

    public HashSet<string> FilesOthersMayAccess { get; } = [];

    public bool IsWindows { get; init; }

    public bool HasSocketFolder { get; init; } = true;

    public PostgreSqlEnvironment Environment => new()
    {
        Variable = name => Variables.GetValueOrDefault(name),
        HomeFolder = "/home/me",
        SystemUser = "me",
        IsWindows = IsWindows,
        ReadLines = path => Files.TryGetValue(path, out string? text) ? text.Split('\n') : null,
        OthersMayAccess = FilesOthersMayAccess.Contains,
        FolderExists = path => HasSocketFolder && path == "/var/run/postgresql",
    };

    public PostgreSqlConnectionSettings Resolve(string? connectionString = null) => Resolve(new PostgreSqlConnectionRequest { Server = ServerAddress.Of(connectionString) });

    public PostgreSqlConnectionSettings Resolve(PostgreSqlConnectionRequest request) => PostgreSqlConnectionSettings.Resolve(request, Environment);

    public BackupFailure Refuse(string connectionString) => Refuse(new PostgreSqlConnectionRequest { Server = ServerAddress.Of(connectionString) });

    public BackupFailure Refuse(PostgreSqlConnectionRequest request)
    {
        var failure = Assert.Throws<BackupFailure>(() => Resolve(request));
        Assert.Equal((ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument), (failure.Code, failure.Category));
        return failure;
    }
}
