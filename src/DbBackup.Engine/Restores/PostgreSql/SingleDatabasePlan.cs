using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Load;

namespace DbBackup.Engine.Restores.PostgreSql;

/// <summary>How a database is restored that has extensions which work in one database of a server alone.</summary>
/// <param name="AtHome">Those that work in the database of the target's name.</param>
/// <param name="LeftOut">Those that work in another database of the server, or in none, each with that database.</param>
internal sealed record SingleDatabasePlan(IReadOnlyList<SingleDatabaseExtension> AtHome, IReadOnlyList<(SingleDatabaseExtension Extension, string? Home)> LeftOut)
{
    /// <summary>Asks the server.</summary>
    /// <exception cref="BackupException">The server has not loaded the extension, and the database is to be the one that it was.</exception>
    public static async Task<SingleDatabasePlan> OfAsync(RestoreRequest request, PostgreSqlSession maintenance, Payload payload, string name, CancellationToken cancellationToken)
    {
        var atHome = new List<SingleDatabaseExtension>();
        var leftOut = new List<(SingleDatabaseExtension, string?)>();
        // Chosen tables and schemas come without extensions.
        foreach (SingleDatabaseExtension extension in request.Tables.Count + request.Schemas.Count > 0 ? [] : SingleDatabaseExtensions.Of(payload.Database))
        {
            string? home = await SingleDatabaseExtensions.HomeAsync(maintenance, extension, cancellationToken).ConfigureAwait(false);
            if (home == name)
                atHome.Add(extension);
            else if (home is not null || name != payload.Database!.Name)
                leftOut.Add((extension, home));
            else
                throw NotLoaded(maintenance, extension, name);
        }

        return new SingleDatabasePlan(atHome, leftOut);
    }

    /// <summary>Says for a database what is left out of it or comes late, and tells the user.</summary>
    /// <exception cref="BackupException">The backup is SQL text, out of which nothing can be left.</exception>
    public PostgreSqlRestoreItem ApplyTo(PostgreSqlRestoreItem item, PostgreSqlSession maintenance, RestoreRequest request, List<string> warnings)
    {
        if (item.Payload.Format == PayloadFormat.PostgreSqlPlain && (LeftOut.Count > 0 || (AtHome.Count > 0 && item.Action == RestoreAction.Create)))
            throw InText(item, maintenance);
        if (item.Action == RestoreAction.InPlace && !request.InPlace)
            warnings.AddRange(AtHome.Select(extension => $"the extension {extension.Name} works only in the database '{item.Name}' of the server ({extension.Setting}), so '{item.Name}' is emptied and loaded in place, in one transaction"));
        warnings.AddRange(LeftOut.Select(each =>
            $"'{item.Name}' is restored without the extension {each.Extension.Name} and its rows, because {(each.Home is null ? "the server has not loaded it" : $"it works only in the database '{each.Home}' of the server")} ({each.Extension.Setting});"
            + $" to see its rows: Export-DbBackup, then pg_restore --data-only --schema={each.Extension.Schema} --file=- FILE"));
        return item with
        {
            WithoutExtensions = [.. LeftOut.Select(each => each.Extension.Name)],
            LateExtensions = item.Action == RestoreAction.Create ? [.. AtHome.Select(extension => extension.Name)] : [],
        };
    }

    private static BackupFailure NotLoaded(PostgreSqlSession maintenance, SingleDatabaseExtension extension, string name) => new(
        ErrorCodes.TargetLacksObjects,
        FailureCategory.NotFound,
        $"The target server lacks an object that '{name}' needs: the extension {extension.Name}, which the server has not loaded. Nothing was changed.",
        $"Install it, set shared_preload_libraries = '{extension.Name}' and {extension.Setting} = '{name}' in postgresql.conf and restart the server; or restore under another name, without its rows: -Database NEWNAME.")
    { Target = maintenance.Server.LocationOf(name) };

    private BackupFailure InText(PostgreSqlRestoreItem item, PostgreSqlSession maintenance) => new(
        ErrorCodes.FormatNotSupported,
        FailureCategory.NotSupported,
        $"'{item.Payload.FileName}' is SQL text, out of which the extension {string.Join(", ", AtHome.Concat(LeftOut.Select(each => each.Extension)).Select(extension => extension.Name))} cannot be left, and it works in one database of the server only. Nothing was changed.",
        AtHome.Count > 0
            ? $"Create an empty database (CREATE DATABASE {PostgreSqlSession.Quote(item.Name)};) and restore again: it is then loaded in place."
            : $"Restore it to the database '{LeftOut[0].Home ?? item.Payload.Database?.Name}' of a server that has loaded the extension, or make backups in another format: -Format Custom.")
    { Target = maintenance.Server.LocationOf(item.Name) };
}
