using System.Text.Json;

namespace DbBackup.Engine.Repository.Manifests;

/// <summary>A server's database: what all engines have, and apart from it what only one of them knows.</summary>
internal sealed record StoredDatabase
{
    public required string Name { get; init; }

    public long Size { get; init; }

    public string? ServerVersion { get; init; }

    public string? ClientVersion { get; init; }

    /// <summary>The engine's own facts; see docs/format.md.</summary>
    public JsonElement? Properties { get; init; }

    public static StoredDatabase Of(DatabaseInfo info) => new()
    {
        Name = info.Name,
        Size = info.Size,
        ServerVersion = info.ServerVersion,
        ClientVersion = info.ClientVersion,
        Properties = JsonSerializer.SerializeToElement(
            new PostgreSqlProperties
            {
                Owner = info.Owner,
                Username = info.Username,
                Encoding = info.Encoding,
                Collation = info.Collation,
                CharacterType = info.CharacterType,
                LocaleProvider = info.LocaleProvider,
                ProviderLocale = info.ProviderLocale,
                ConnectionLimit = info.ConnectionLimit,
                Comment = info.Comment,
                Settings = info.Settings,
                Grants = info.Grants,
                Roles = info.Roles,
                PolicyRoles = info.PolicyRoles,
                Tablespace = info.Tablespace,
                Tablespaces = info.Tablespaces.Count == 0 ? null : info.Tablespaces,
                IsTemplate = info.IsTemplate ? true : null,
                Extensions = info.Extensions,
                OldestServerMajor = info.OldestServerMajor,
                IsPartial = info.IsPartial,
                IsDataOnly = info.IsDataOnly ? true : null,
            },
            ManifestJsonContext.Default.PostgreSqlProperties),
    };

    /// <param name="format">The payload's format: the properties of another engine's database are left alone.</param>
    /// <exception cref="JsonException">The properties are damaged.</exception>
    public DatabaseInfo ToInfo(string format)
    {
        bool isPostgreSql = format is PayloadFormat.PostgreSqlCustom or PayloadFormat.PostgreSqlDirectory or PayloadFormat.PostgreSqlPlain or PayloadFormat.PostgreSqlTar;
        PostgreSqlProperties properties = (isPostgreSql ? Properties : null)?.Deserialize(ManifestJsonContext.Default.PostgreSqlProperties) ?? new PostgreSqlProperties();
        return new DatabaseInfo
        {
            Name = Name,
            Size = Size,
            ServerVersion = ServerVersion,
            ClientVersion = ClientVersion,
            Owner = properties.Owner,
            Username = properties.Username,
            Encoding = properties.Encoding,
            Collation = properties.Collation,
            CharacterType = properties.CharacterType,
            LocaleProvider = properties.LocaleProvider,
            ProviderLocale = properties.ProviderLocale,
            ConnectionLimit = properties.ConnectionLimit,
            Comment = properties.Comment,
            Settings = properties.Settings,
            Grants = properties.Grants,
            Roles = properties.Roles,
            PolicyRoles = properties.PolicyRoles,
            Tablespace = properties.Tablespace,
            Tablespaces = properties.Tablespaces ?? [],
            IsTemplate = properties.IsTemplate == true,
            Extensions = properties.Extensions,
            OldestServerMajor = properties.OldestServerMajor,
            IsPartial = properties.IsPartial,
            IsDataOnly = properties.IsDataOnly == true,
        };
    }
}

/// <summary>What only PostgreSQL has; the members are those of <see cref="DatabaseInfo"/>.</summary>
internal sealed record PostgreSqlProperties
{
    public string? Owner { get; init; }

    public string? Username { get; init; }

    public string? Encoding { get; init; }

    public string? Collation { get; init; }

    public string? CharacterType { get; init; }

    public string? LocaleProvider { get; init; }

    public string? ProviderLocale { get; init; }

    public int ConnectionLimit { get; init; } = -1;

    public string? Comment { get; init; }

    public IReadOnlyList<DatabaseSetting> Settings { get; init; } = [];

    public IReadOnlyList<DatabaseGrant>? Grants { get; init; }

    public IReadOnlyList<string> Roles { get; init; } = [];

    public IReadOnlyList<string>? PolicyRoles { get; init; }

    public string? Tablespace { get; init; }

    public IReadOnlyList<string>? Tablespaces { get; init; }

    public bool? IsTemplate { get; init; }

    public IReadOnlyList<DatabaseExtension> Extensions { get; init; } = [];

    public int? OldestServerMajor { get; init; }

    public bool IsPartial { get; init; }

    public bool? IsDataOnly { get; init; }
}
