#pragma warning disable CS1591
using System.Globalization;
using Npgsql;

namespace DbBackup.Engine.Sources.PostgreSql;

/// <summary>What a person said of a server and database; every part may be missing.</summary>
public sealed record PostgreSqlConnectionRequest
{
    /// <summary>A connection string.</summary>
    public string? ConnectionString { get; init; }

    /// <summary>Host.</summary>
    public string? HostName { get; init; }

    /// <summary>Port.</summary>
    public int? Port { get; init; }

    /// <summary>Database.</summary>
    public string? Database { get; init; }

    /// <summary>Role.</summary>
    public string? Username { get; init; }

    /// <summary>Password.</summary>
    public string? Password { get; init; }
}

/// <summary>Where a server is and who connects.</summary>
public sealed record PostgreSqlConnectionSettings
{
    public required string Host { get; init; }
    public int Port { get; init; } = 5432;
    public required string Username { get; init; }
    public string? Password { get; init; }
    public string? Database { get; init; }
    public IReadOnlyList<string> Warnings { get; init; } = [];
    public bool IsLocal => Host.StartsWith('/') || Host is "localhost" or "127.0.0.1" or "::1";

    public static PostgreSqlConnectionSettings Resolve(PostgreSqlConnectionRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        var builder = new NpgsqlConnectionStringBuilder();
        string? host = null, user = null, password = null, database = null;
        int? port = null;
        if (request.ConnectionString is { } text)
        {
            if (Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri.Scheme.StartsWith("postgres", StringComparison.Ordinal))
            {
                host = uri.Host.Length > 0 ? uri.Host : null;
                port = uri.Port > 0 ? uri.Port : null;
                string[] info = uri.UserInfo.Split(':', 2);
                user = info[0].Length > 0 ? Uri.UnescapeDataString(info[0]) : null;
                password = info.Length > 1 ? Uri.UnescapeDataString(info[1]) : null;
                database = uri.AbsolutePath.Length > 1 ? Uri.UnescapeDataString(uri.AbsolutePath[1..]) : null;
            }
            else
            {
                builder = new NpgsqlConnectionStringBuilder(text);
                host = builder.Host;
                user = builder.Username;
                password = builder.Password;
                database = builder.Database;
                port = builder.Port;
            }
        }

        static string? Env(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
        return new PostgreSqlConnectionSettings
        {
            Host = request.HostName ?? host ?? Env("PGHOST") ?? "/var/run/postgresql",
            Port = request.Port ?? port ?? int.Parse(Env("PGPORT") ?? "5432", CultureInfo.InvariantCulture),
            Username = request.Username ?? user ?? Env("PGUSER") ?? Environment.UserName,
            Password = request.Password ?? password ?? Env("PGPASSWORD"),
            Database = request.Database ?? database ?? Env("PGDATABASE"),
        };
    }

    public string ToNpgsql(string database) => new NpgsqlConnectionStringBuilder
    {
        Host = Host, Port = Port, Username = Username, Password = Password, Database = database, Pooling = false, CommandTimeout = 0, Timeout = 15, ApplicationName = "DbBackup",
    }.ConnectionString;

    public IReadOnlyDictionary<string, string?> ToToolEnvironment(string? extraOptions) => new Dictionary<string, string?>
    {
        ["PGHOST"] = Host, ["PGPORT"] = Port.ToString(CultureInfo.InvariantCulture), ["PGUSER"] = Username, ["PGPASSWORD"] = Password, ["PGDATABASE"] = null, ["PGAPPNAME"] = "DbBackup", ["PGOPTIONS"] = extraOptions,
    };

    public static string ToolDatabase(string database)
    {
        ArgumentNullException.ThrowIfNull(database);
        return "dbname='" + database.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal) + "'";
    }

    public string LocationOf(string? database) => Host.StartsWith('/')
        ? $"postgresql:///{Uri.EscapeDataString(database ?? string.Empty)}?host={Host}&port={Port}"
        : $"postgresql://{Host}:{Port}/{Uri.EscapeDataString(database ?? string.Empty)}";

    public static PostgreSqlConnectionRequest FromLocation(string location) => new() { ConnectionString = location };

    public PostgreSqlConnectionSettings ForDatabase(string database) => this;
}
