using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Swap;

namespace DbBackup.Engine.Engines.PostgreSql.Load;

/// <summary>What a <see cref="WorkDatabase"/> is for; it is part of its name, by which people recognise it.</summary>
internal enum WorkDatabasePurpose
{
    /// <summary>A restore test.</summary>
    Test,

    /// <summary>A restore that will take another database's place.</summary>
    New,
}

/// <summary>
/// A database that lives only while its owner does. Its owner holds a lock of the server's own (an advisory lock, which ends with the
/// session, however the owner dies); whoever comes next and gets the lock knows that the owner is dead, and drops the database.
/// </summary>
internal sealed class WorkDatabase : IDisposable
{
    private const string Creating = "creating a database";

    private readonly string? _password;

    private WorkDatabase(PostgreSqlSession maintenance, string name, string? note, string? password = null)
    {
        Maintenance = maintenance;
        Name = name;
        Note = note;
        _password = password;
    }

    /// <summary>The server, as the role that the database was made for: one of its own, or that of the session.</summary>
    public PostgreSqlConnectionSettings Server => _password is null ? Maintenance.Server : Maintenance.Server with { Username = Name, Password = _password };

    /// <summary>True if it belongs to a role of its own, which may do nothing else.</summary>
    public bool HasOwnRole => _password is not null;

    /// <summary>The session that holds the lock; it is in the server's maintenance database.</summary>
    public PostgreSqlSession Maintenance { get; }

    /// <summary>The name now.</summary>
    public string Name { get; }

    /// <summary>In what it differs from what was wanted; null where it does not.</summary>
    public string? Note { get; }

    /// <summary>Drops what dead runs left on a server, as far as the role may.</summary>
    /// <returns>The names of what was dropped.</returns>
    public static async Task<IReadOnlyList<string>> SweepAsync(PostgreSqlSession maintenance, CancellationToken cancellationToken)
    {
        List<string> names = await maintenance.RowsAsync(
            "SELECT datname::text FROM pg_database WHERE datname ~ '^dbbackup_(test|new)_[0-9a-f]{32}$' UNION SELECT rolname::text FROM pg_roles WHERE rolname ~ '^dbbackup_test_[0-9a-f]{32}$'", row => row.GetString(0), "looking for leftovers of killed runs", cancellationToken).ConfigureAwait(false);
        var dropped = new List<string>();
        foreach (string name in names)
        {
            if (!await TryLockAsync(maintenance, name, cancellationToken).ConfigureAwait(false))
                continue;
            try
            {
                // A lock is of one database, and the owner may have taken it in another one.
                if (await IsLockedElsewhereAsync(maintenance, name, cancellationToken).ConfigureAwait(false))
                    continue;
                await DropAsync(maintenance, name, cancellationToken).ConfigureAwait(false);
                await DropRoleAsync(maintenance, name, cancellationToken).ConfigureAwait(false);
                dropped.Add(name);
            }
            catch (BackupException)
            {
                // Another role's: its owner's next run drops it.
            }
            finally
            {
                await maintenance.ExecuteAsync($"SELECT pg_advisory_unlock(hashtextextended({PostgreSqlSession.Literal(name)}, 0))", Creating, CancellationToken.None).ConfigureAwait(false);
            }
        }

        return dropped;
    }

    /// <summary>Creates an empty database with the encoding and locale of another.</summary>
    /// <param name="maintenance">A session in the maintenance database; it becomes this object's own.</param>
    /// <param name="purpose">What it is for.</param>
    /// <param name="like">The database that it will take after; null for the server's defaults.</param>
    /// <param name="owner">Its owner; null for the role of the session.</param>
    /// <param name="anyLocale">True if another locale will do where the server does not have that one.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <param name="ownRole">True if a role is made for it, without any rights but on this database; the role goes with it. Needs a superuser.</param>
    /// <param name="tablespace">The tablespace; null for the server's default.</param>
    public static async Task<WorkDatabase> CreateAsync(
        PostgreSqlSession maintenance, WorkDatabasePurpose purpose, DatabaseInfo? like, string? owner, bool anyLocale, CancellationToken cancellationToken, bool ownRole = false, string? tablespace = null)
    {
        string name = await LockNameAsync(maintenance, purpose, cancellationToken).ConfigureAwait(false);
        string? password = ownRole ? await CreateRoleAsync(maintenance, name, cancellationToken).ConfigureAwait(false) : null;
        owner = ownRole ? name : owner;
        string create = $"CREATE DATABASE {name} TEMPLATE template0{(owner is null ? string.Empty : " OWNER " + PostgreSqlSession.Quote(owner))}{(tablespace is null ? string.Empty : " TABLESPACE " + PostgreSqlSession.Quote(tablespace))}";
        string? note = null;
        try
        {
            await maintenance.ExecuteAsync(create + Locale(like, maintenance.ServerMajor), Creating, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupException failure) when (anyLocale && failure.Code == ErrorCodes.ServerFailed && like is not null)
        {
            // The restore test is about the data; the locale of another system (or of an older libc) may not be had here.
            await maintenance.ExecuteAsync($"{create} ENCODING {PostgreSqlSession.Literal(like.Encoding ?? "UTF8")} LC_COLLATE 'C' LC_CTYPE 'C'", Creating, cancellationToken).ConfigureAwait(false);
            note = $"the locale {like.ProviderLocale ?? like.Collation} is not there, C was used instead";
        }

        return new WorkDatabase(maintenance, name, note, password);
    }

    // Its rows are all to be read, and its errors in English, by which they are told apart.
    private static async Task<string> CreateRoleAsync(PostgreSqlSession maintenance, string name, CancellationToken cancellationToken)
    {
        string password = Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(24));
        await maintenance.ExecuteAsync(
            $"CREATE ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION BYPASSRLS PASSWORD '{password}'; ALTER ROLE {name} SET lc_messages = 'C'", Creating, cancellationToken).ConfigureAwait(false);
        return password;
    }

    private static async Task DropRoleAsync(PostgreSqlSession maintenance, string name, CancellationToken cancellationToken)
    {
        if (await maintenance.IsTrueAsync("SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = $1)", Creating, cancellationToken, name).ConfigureAwait(false))
            await maintenance.ExecuteAsync($"DROP ROLE {PostgreSqlSession.Quote(name)}", "dropping a role", cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reserves a name under which somebody else makes the database.</summary>
    /// <param name="maintenance">A session in the maintenance database; it becomes this object's own.</param>
    /// <param name="purpose">What it is for.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    public static async Task<WorkDatabase> ReserveAsync(PostgreSqlSession maintenance, WorkDatabasePurpose purpose, CancellationToken cancellationToken) =>
        new(maintenance, await LockNameAsync(maintenance, purpose, cancellationToken).ConfigureAwait(false), null);

    /// <summary>Drops a database, whoever is connected to it.</summary>
    public static async Task DropAsync(PostgreSqlSession maintenance, string name, CancellationToken cancellationToken)
    {
        const string Dropping = "dropping a database";
        await LogicalReplication.DropSubscriptionsAsync(maintenance, name, cancellationToken).ConfigureAwait(false);
        if (await maintenance.IsTrueAsync("SELECT datistemplate FROM pg_database WHERE datname = $1", Dropping, cancellationToken, name).ConfigureAwait(false))
            await maintenance.ExecuteAsync($"ALTER DATABASE {PostgreSqlSession.Quote(name)} IS_TEMPLATE false", Dropping, cancellationToken).ConfigureAwait(false);
        if (maintenance.ServerMajor >= 13)
        {
            await maintenance.ExecuteAsync($"DROP DATABASE IF EXISTS {PostgreSqlSession.Quote(name)} WITH (FORCE)", Dropping, cancellationToken).ConfigureAwait(false);
            return;
        }

        await DatabaseSwap.EndSessionsAsync(maintenance, name, cancellationToken).ConfigureAwait(false);
        await maintenance.ExecuteAsync($"DROP DATABASE IF EXISTS {PostgreSqlSession.Quote(name)}", Dropping, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Drops it. Not cancelled: a restore test leaves nothing behind, also when it is cut short.</summary>
    public async Task DropAsync()
    {
        try
        {
            await DropAsync(Maintenance, Name, CancellationToken.None).ConfigureAwait(false);
            if (HasOwnRole)
                await DropRoleAsync(Maintenance, Name, CancellationToken.None).ConfigureAwait(false);
        }
        catch (BackupException)
        {
            // The connection was cut: a new one, once; if the server itself is gone, the next run drops it.
            try
            {
                using PostgreSqlSession again = await PostgreSqlSession.OpenMaintenanceAsync(Maintenance.Server, null, CancellationToken.None).ConfigureAwait(false);
                await DropAsync(again, Name, CancellationToken.None).ConfigureAwait(false);
                if (HasOwnRole)
                    await DropRoleAsync(again, Name, CancellationToken.None).ConfigureAwait(false);
            }
            catch (BackupException)
            {
                // See above.
            }
        }
    }

    public void Dispose() => Maintenance.Dispose();

    private static async Task<string> LockNameAsync(PostgreSqlSession maintenance, WorkDatabasePurpose purpose, CancellationToken cancellationToken)
    {
        string name = $"dbbackup_{purpose.ToString().ToLowerInvariant()}_{Guid.NewGuid():N}";
        return await TryLockAsync(maintenance, name, cancellationToken).ConfigureAwait(false) ? name : throw new InvalidOperationException($"The lock of the new name '{name}' is taken.");
    }

    private static async Task<bool> TryLockAsync(PostgreSqlSession session, string name, CancellationToken cancellationToken) =>
        await session.IsTrueAsync("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", Creating, cancellationToken, name).ConfigureAwait(false);

    private static Task<bool> IsLockedElsewhereAsync(PostgreSqlSession session, string name, CancellationToken cancellationToken) => session.IsTrueAsync(
        """
        SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND pid <> pg_backend_pid()
                       AND ((classid::bigint << 32) | objid::bigint) = hashtextextended($1, 0))
        """,
        Creating,
        cancellationToken,
        name);

    private static string Locale(DatabaseInfo? like, int serverMajor)
    {
        if (like?.Encoding is not { } encoding)
            return string.Empty;
        string text = $" ENCODING {PostgreSqlSession.Literal(encoding)}";
        if (like.Collation is { } collation)
            text += $" LC_COLLATE {PostgreSqlSession.Literal(collation)}";
        if (like.CharacterType is { } type)
            text += $" LC_CTYPE {PostgreSqlSession.Literal(type)}";
        return like.LocaleProvider switch
        {
            "icu" when serverMajor >= 15 => string.Create(CultureInfo.InvariantCulture, $"{text} LOCALE_PROVIDER icu ICU_LOCALE {PostgreSqlSession.Literal(like.ProviderLocale ?? "und")}"),
            "builtin" when serverMajor >= 17 => $"{text} LOCALE_PROVIDER builtin BUILTIN_LOCALE {PostgreSqlSession.Literal(like.ProviderLocale ?? "C.UTF-8")}",
            // Another default of the server's template must not decide.
            _ when serverMajor >= 15 => text + " LOCALE_PROVIDER libc",
            _ => text,
        };
    }
}
