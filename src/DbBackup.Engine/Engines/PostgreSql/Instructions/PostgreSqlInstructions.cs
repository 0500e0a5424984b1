using System.Globalization;
using DbBackup.Engine.Engines.Instructions;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Swap;

namespace DbBackup.Engine.Engines.PostgreSql.Instructions;

/// <summary>How dumps of PostgreSQL are restored by hand: each into a new database, which takes the old one's place by its name.</summary>
internal static class PostgreSqlInstructions
{
    // Enough to see that it is the right one; a restore test compares all.
    private const int CountedTables = 5;

    public static void Write(InstructionText text, Manifest manifest, IReadOnlyList<Payload> payloads, bool inContainer)
    {
        if (!inContainer)
        {
            text.Line("The programs of PostgreSQL find the server and the role in PGHOST, PGPORT, PGUSER and PGPASSWORD (or the file .pgpass).");
            text.Line();
        }

        List<Payload> databases = [.. payloads.Where(payload => payload.Kind == PayloadKind.Database)];
        foreach (Payload globals in payloads.Where(payload => payload.Kind == PayloadKind.Globals))
        {
            text.Step("Create the roles and tablespaces. \"already exists\" errors are harmless:");
            text.Command($"{ShellText.Read(globals)} | psql -X -q -d postgres -o /dev/null");
            text.Line();
        }

        foreach (Payload payload in databases.Where(IsDataOnly))
            DataOnlyInstructions.Write(text, payload);
        databases.RemoveAll(IsDataOnly);
        if (databases.Count == 0)
            return;
        foreach (Payload payload in databases)
            WriteDatabase(text, manifest, payload);
        text.Step($"Stop the application, and rename once no session is connected. Leave the first line of a pair out where there is no old database:");
        foreach (Payload payload in databases)
        {
            string name = NameOf(payload);
            text.Command(SqlText.Run(SqlText.Rename(name, KeptName.WithEnding(name, "_old")), name));
            text.Command(SqlText.Run(SqlText.Rename(NewName(payload), name), name));
        }

        text.Remark("Drop the old database when the application has proved that it works with the new one.");
        text.Line();
    }

    private static bool IsDataOnly(Payload payload) => payload.Database?.IsDataOnly == true;

    private static string NameOf(Payload payload) => payload.Database?.Name ?? Path.GetFileNameWithoutExtension(payload.RestoreName);

    private static string NewName(Payload payload) => KeptName.WithEnding(NameOf(payload), "_restored");

    private static void WriteDatabase(InstructionText text, Manifest manifest, Payload payload)
    {
        string name = NewName(payload);
        text.Step($"Restore {NameOf(payload)} into a NEW database, never into the old one:");
        text.Command($"createdb -T template0{Locale(payload.Database)} -- {ShellText.Quote(name)}");
        WriteLoad(text, payload, SqlText.Database(name));
        WriteRemarks(text, payload);
        WriteProperties(text, payload.Database, name);
        text.Line();
        if (payload.Fingerprint is not { Tables.Count: > 0 } fingerprint)
            return;
        text.Step(string.Create(CultureInfo.InvariantCulture, $"Check it; {fingerprint.TotalRows} rows in {fingerprint.Tables.Count} tables were dumped:"));
        foreach (TableFingerprint table in fingerprint.Tables.Take(CountedTables))
        {
            // A query would run what the dump has put on the table, with the rights of who asks.
            text.Command($"psql -X {SqlText.Database(name)} -c {ShellText.Quote($"COPY {table.Name} TO STDOUT")} | wc -l");
            text.Remark(string.Create(CultureInfo.InvariantCulture, $"must say {table.Rows}."));
        }

        if (payload.SchemaRevision is { } revision)
            text.Remark($"Its Alembic revision is {revision}.");
        text.Line();
    }

    // Only the locale's own words: what the server of old had, another may not have.
    private static string Locale(DatabaseInfo? database)
    {
        string options = $" -E {ShellText.Quote(database?.Encoding ?? "UTF8")}";
        if (database?.Collation is { } collation)
            options += $" --lc-collate={ShellText.Quote(collation)}";
        if (database?.CharacterType is { } type)
            options += $" --lc-ctype={ShellText.Quote(type)}";
        if (database is { LocaleProvider: "icu" or "builtin", ProviderLocale: { } locale })
            options += $" --locale-provider={database.LocaleProvider} --{database.LocaleProvider}-locale={ShellText.Quote(locale)}";
        return options;
    }

    private static void WriteLoad(InstructionText text, Payload payload, string database)
    {
        string unpacked = ShellText.Quote(ShellText.RestoredPath(payload));
        if (payload.Format == PayloadFormat.PostgreSqlPlain)
        {
            text.Command($"{ShellText.Read(payload)} | psql -X -q -v ON_ERROR_STOP=1 -o /dev/null {database}");
        }
        else if (payload.Format == PayloadFormat.PostgreSqlDirectory)
        {
            text.Command("mkdir -p restored");
            text.Command($"{ShellText.Read(payload)} | tar -xf - -C restored");
            text.Command($"pg_restore --exit-on-error {database} {unpacked}");
        }
        else if (payload.Format == PayloadFormat.PostgreSqlTar)
        {
            text.Command("mkdir -p restored");
            text.Command($"{ShellText.Read(payload)} > {unpacked}");
            text.Command($"pg_restore --exit-on-error {database} {unpacked}");
        }
        else
        {
            text.Command($"{ShellText.Read(payload)} | pg_restore --exit-on-error {database}");
        }
    }

    private static void WriteRemarks(InstructionText text, Payload payload)
    {
        DatabaseInfo? database = payload.Database;
        if (database?.OldestServerMajor is { } oldest)
            text.Remark(string.Create(CultureInfo.InvariantCulture, $"It needs PostgreSQL {oldest} or newer, and programs not older than {database.ClientVersion ?? "the dump's own"}."));
        if (database?.Roles is { Count: > 0 } roles)
        {
            text.Remark($"It names the roles {string.Join(", ", roles)}. Create those that are missing"
                + (payload.Format == PayloadFormat.PostgreSqlPlain ? "." : ", or add --no-owner --no-privileges to pg_restore."));
        }

        if (database?.Extensions is { Count: > 0 } extensions)
            text.Remark($"It needs the extensions {string.Join(", ", extensions.Select(extension => extension.Name))} on the server.");
        text.Remark("If it says that the schema public exists already: drop that schema in the new database, and run this line again.");
    }

    // What belongs to the database itself goes with its name, and is in no dump of its content.
    private static void WriteProperties(InstructionText text, DatabaseInfo? database, string name)
    {
        if (database is null)
            return;
        string target = PostgreSqlSession.Quote(name);
        if (database.Owner is { } owner)
            text.Remark($"Its owner was {owner}: ALTER DATABASE {target} OWNER TO {PostgreSqlSession.Quote(owner)};");
        if (database.ConnectionLimit >= 0)
            text.Remark(string.Create(CultureInfo.InvariantCulture, $"It took {database.ConnectionLimit} connections: ALTER DATABASE {target} CONNECTION LIMIT {database.ConnectionLimit};"));
        foreach (DatabaseSetting setting in database.Settings)
            text.Remark($"It had the setting {setting.Name} = {setting.Value}{(setting.Role is null ? string.Empty : $" for the role {setting.Role}")}.");
        foreach (DatabaseGrant grant in database.Grants ?? [])
            text.Remark($"{grant.Role ?? "PUBLIC"} had {grant.Privilege} on it.");
    }
}
