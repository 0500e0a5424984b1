using System.Globalization;
using DbBackup.Engine.Engines.Instructions;

namespace DbBackup.Engine.Engines.PostgreSql.Instructions;

/// <summary>How rows that were dumped without their tables are loaded by hand: into tables that are there and empty, all of them or none.</summary>
internal static class DataOnlyInstructions
{
    public static void Write(InstructionText text, Payload payload)
    {
        string name = payload.Database!.Name;
        string database = SqlText.Database(name);
        string restored = ShellText.Quote(ShellText.RestoredPath(payload));
        text.Step($"Load the rows of {name} into a database that has its tables, and no rows in them. This backup holds no definitions:");
        if (payload.Format == PayloadFormat.PostgreSqlPlain)
        {
            text.Command($"{ShellText.Read(payload)} | psql -X -q -1 -v ON_ERROR_STOP=1 -o /dev/null {database}");
        }
        else if (payload.Format == PayloadFormat.PostgreSqlDirectory)
        {
            text.Command("mkdir -p restored");
            text.Command($"{ShellText.Read(payload)} | tar -xf - -C restored");
            text.Command($"pg_restore --data-only --single-transaction {database} {restored}");
        }
        else
        {
            text.Command($"{ShellText.Read(payload)} | pg_restore --data-only --single-transaction {database}");
        }

        text.Remark("All rows are loaded, or none. If foreign keys refer to each other in a circle, a superuser adds --disable-triggers to pg_restore.");
        if (payload.SchemaRevision is { } revision)
            text.Remark($"The tables had the Alembic revision {revision}, whose row is among these rows.");
        if (payload.Fingerprint is { Tables.Count: > 0 } fingerprint)
            text.Remark(string.Create(CultureInfo.InvariantCulture, $"{fingerprint.TotalRows} rows of {fingerprint.Tables.Count} tables were dumped."));
        text.Line();
    }
}
