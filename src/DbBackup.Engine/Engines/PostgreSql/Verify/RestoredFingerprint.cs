using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Facts;

namespace DbBackup.Engine.Engines.PostgreSql.Verify;

/// <summary>Takes the facts of a restored PostgreSQL database in the way in which those of the backup were taken.</summary>
internal static class RestoredFingerprint
{
    /// <param name="session">A session in the restored database.</param>
    /// <param name="expected">The backup's facts.</param>
    /// <param name="payload">The payload that was restored.</param>
    /// <param name="otherLocale">True if the database was created with another locale on purpose.</param>
    /// <param name="cancellationToken">Cancels the running query.</param>
    /// <param name="leftOut">Extensions that were left out on purpose; null for none.</param>
    /// <param name="jobs">How many sessions read a large table at once; more than one only if no other session writes the database.</param>
    public static async Task<Fingerprint> TakeAsync(
        PostgreSqlSession session, Fingerprint expected, Payload payload, bool otherLocale, CancellationToken cancellationToken, IReadOnlyCollection<string>? leftOut = null, int jobs = 1)
    {
        List<PostgreSqlTable> tables = await PostgreSqlCatalog.TablesAsync(session, cancellationToken).ConfigureAwait(false);
        bool partial = payload.Database?.IsPartial == true || expected.Settings.Count == 0;
        Fingerprint actual = await PostgreSqlFingerprint.OfCatalogAsync(session, null, expected.Level, tables, partial, cancellationToken, leftOut).ConfigureAwait(false);
        actual = actual with { Tables = await ReadAsync(session, expected, tables, jobs, cancellationToken).ConfigureAwait(false) };
        return otherLocale ? actual with { Settings = actual.Settings.Where(setting => setting.Key != "collation").ToDictionary() } : actual;
    }

    private static async Task<List<TableFingerprint>> ReadAsync(PostgreSqlSession session, Fingerprint expected, List<PostgreSqlTable> tables, int jobs, CancellationToken cancellationToken)
    {
        using TablesLike reader = await TablesLike.OpenAsync(session, expected, cancellationToken, jobs).ConfigureAwait(false);
        var read = new List<TableFingerprint>(tables.Count);
        foreach (IGrouping<string, PostgreSqlTable> place in reader.PlacesOf(tables))
            read.Add(await reader.ReadAsync(place, cancellationToken).ConfigureAwait(false));
        await reader.CloseAsync(cancellationToken).ConfigureAwait(false);
        read.Sort((left, right) => string.CompareOrdinal(left.Name, right.Name));
        return read;
    }
}
