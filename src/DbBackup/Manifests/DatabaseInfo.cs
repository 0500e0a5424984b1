namespace DbBackup;

/// <summary>What must be known of a server's database to create it again, and to say where it can go.</summary>
public sealed record DatabaseInfo
{
    /// <summary>Its name on the server.</summary>
    public required string Name { get; init; }

    /// <summary>The role that owns it; null where it is not known.</summary>
    public string? Owner { get; init; }

    /// <summary>The role that read it; the password is nowhere.</summary>
    public string? Username { get; init; }

    /// <summary>Its encoding, as in <c>UTF8</c>; null where it is not known.</summary>
    public string? Encoding { get; init; }

    /// <summary>Its collation (LC_COLLATE); null where it is not known.</summary>
    public string? Collation { get; init; }

    /// <summary>Its character classes (LC_CTYPE); null where it is not known.</summary>
    public string? CharacterType { get; init; }

    /// <summary><c>libc</c>, <c>icu</c> or <c>builtin</c>; null where it is not known.</summary>
    public string? LocaleProvider { get; init; }

    /// <summary>The locale of the provider, where that is not libc.</summary>
    public string? ProviderLocale { get; init; }

    /// <summary>How many connections it takes; -1 for any number.</summary>
    public int ConnectionLimit { get; init; } = -1;

    /// <summary>Its comment.</summary>
    public string? Comment { get; init; }

    /// <summary>What <c>ALTER DATABASE … SET</c> has set.</summary>
    public IReadOnlyList<DatabaseSetting> Settings { get; init => field = Indexable.Of(value); } = [];

    /// <summary>Its privileges; null for those that every new database has.</summary>
    public IReadOnlyList<DatabaseGrant>? Grants { get; init => field = Indexable.OfAny(value); }

    /// <summary>Bytes on the server, indexes included; 0 where it is not known.</summary>
    public long Size { get; init; }

    /// <summary>Roles that own something in it, are granted something, or are named in a policy.</summary>
    public IReadOnlyList<string> Roles { get; init => field = Indexable.Of(value); } = [];

    /// <summary>Those of them that policies name; null where it is not known.</summary>
    public IReadOnlyList<string>? PolicyRoles { get; init => field = Indexable.OfAny(value); }

    /// <summary>Its extensions.</summary>
    public IReadOnlyList<DatabaseExtension> Extensions { get; init => field = Indexable.Of(value); } = [];

    /// <summary>The tablespace in which its tables are unless they say otherwise; null for the server's default.</summary>
    public string? Tablespace { get; init; }

    /// <summary>Other tablespaces that its tables and indexes are in.</summary>
    public IReadOnlyList<string> Tablespaces { get; init => field = Indexable.Of(value); } = [];

    /// <summary>True if it is a template for new databases.</summary>
    public bool IsTemplate { get; init; }

    /// <summary>The server's version; null where it is not known.</summary>
    public string? ServerVersion { get; init; }

    /// <summary>The version of the pg_dump that read it; null where it is not known.</summary>
    public string? ClientVersion { get; init; }

    /// <summary>
    /// The oldest major version of a server that takes the dump; null where it is not known. pg_dump 17 and newer write
    /// <c>SET transaction_timeout</c>, which servers before 17 refuse; and a dump is not made for a server older than its own.
    /// </summary>
    public int? OldestServerMajor { get; init; }

    /// <summary>True if only chosen schemas or tables were dumped.</summary>
    public bool IsPartial { get; init; }

    /// <summary>True if rows were dumped without the tables that hold them.</summary>
    public bool IsDataOnly { get; init; }

    /// <inheritdoc/>
    public override string ToString() => ServerVersion is null ? Name : $"{Name} (PostgreSQL {ServerVersion})";
}

/// <summary>A setting of a database.</summary>
/// <param name="Name">The parameter.</param>
/// <param name="Value">Its value, as the catalogue keeps it.</param>
/// <param name="Role">The role for which it holds; null for all.</param>
public sealed record DatabaseSetting(string Name, string Value, string? Role = null);

/// <summary>A privilege on a database.</summary>
/// <param name="Privilege"><c>CONNECT</c>, <c>TEMPORARY</c> or <c>CREATE</c>.</param>
/// <param name="IsGrantable">True if the role may pass it on.</param>
/// <param name="Role">Who has it; null for PUBLIC.</param>
public sealed record DatabaseGrant(string Privilege, bool IsGrantable, string? Role = null);

/// <summary>An extension of a database.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Version">The version that was installed.</param>
public sealed record DatabaseExtension(string Name, string Version)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Name} {Version}";
}
