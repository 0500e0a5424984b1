using System.Globalization;
using DbBackup.Engine.Engines.Instructions;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Swap;

namespace DbBackup.Engine.Engines.PostgreSql.Instructions;

/// <summary>How a database that a restore replaced is put back by hand: it lies whole on its server under another name.</summary>
internal static class KeptDatabaseInstructions
{
    public static void Write(InstructionText text, Manifest manifest, KeptDatabase kept)
    {
        string name = PostgreSqlConnectionSettings.DatabaseOf(kept.Location)!;
        text.Line(string.Create(
            CultureInfo.InvariantCulture,
            $"The database '{kept.Replaced}', which a restore of {kept.ReplacedBy} replaced at {manifest.Created.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC."));
        text.Line($"It stays whole on its server, as '{name}' ({kept.Location}). This folder holds no copy of it:");
        text.Line("do not drop that database as long as this may be needed.");
        text.Line();
        text.WithModule(manifest);
        text.Line($"Without it, with psql alone. Stop the application first; no session may be connected to either database. The role was {kept.Username};");
        text.Line("PGHOST, PGPORT, PGUSER and PGPASSWORD (or the file .pgpass) say where the server is and who connects.");
        text.Line();
        text.Step("Set aside what has its name now, where there is something:");
        text.Command(SqlText.Run(SqlText.Rename(kept.Replaced, KeptName.WithEnding(kept.Replaced, "_set_aside")), kept.Replaced));
        text.Line();
        text.Step("Give it its name back:");
        text.Command(SqlText.Run(SqlText.Rename(name, kept.Replaced), kept.Replaced));
    }
}
