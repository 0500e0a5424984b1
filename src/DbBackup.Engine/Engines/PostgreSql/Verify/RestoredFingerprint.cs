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
    public static async Task<Fingerprint> TakeAsync(PostgreSqlSession session, Fingerprint expected, Payload payload, bool otherLocale, CancellationToken cancellationToken)
    {
        List<PostgreSqlTable> tables = await PostgreSqlCatalog.TablesAsync(session, cancellationToken).ConfigureAwait(false);
        bool partial = payload.Database?.IsPartial == true || expected.Settings.Count == 0;
        Fingerprint actual = await PostgreSqlFingerprint.TakeAsync(
            session, null, expected.Level, tables, new HashSet<uint>(), partial, null, cancellationToken).ConfigureAwait(false);
        return otherLocale ? actual with { Settings = actual.Settings.Where(setting => setting.Key != "collation").ToDictionary() } : actual;
    }
}
