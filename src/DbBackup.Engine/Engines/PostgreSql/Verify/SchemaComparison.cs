using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Load;

namespace DbBackup.Engine.Engines.PostgreSql.Verify;

/// <summary>What the comparison of a restored database with the schema in its archive found.</summary>
/// <param name="WhyNot">Why they were not compared; null if they were.</param>
/// <param name="Objects">How many objects were compared.</param>
/// <param name="Differences">What differs.</param>
/// <param name="Rewritten">The objects that the server writes in other words after each restore, which is no difference.</param>
internal sealed record SchemaFindings(string? WhyNot, int Objects, IReadOnlyList<string> Differences, IReadOnlyList<string> Rewritten)
{
    /// <summary>The words for what was compared.</summary>
    public string Detail => WhyNot is not null ? $"the schema was not compared as pg_dump writes it: {WhyNot}"
        : Differences.Count > 0 ? string.Join("; ", Differences.Take(5)) + (Differences.Count > 5 ? string.Create(CultureInfo.InvariantCulture, $" and {Differences.Count - 5} more") : string.Empty)
        : string.Create(CultureInfo.InvariantCulture, $"{Objects} objects are as pg_dump wrote them{(Rewritten.Count == 0 ? string.Empty : $", {Rewritten.Count} of them in other words, as after each restore: {string.Join(", ", Rewritten.Take(3))}")}");

    public static SchemaFindings NotCompared(string whyNot) => new(whyNot, 0, [], []);
}

/// <summary>
/// Compares the schema of a restored database, as pg_dump writes it, with the text in the archive that it was restored from. The server
/// writes some expressions in other words once they were read again (<c>a IN (1, 2)</c> becomes <c>a = ANY (ARRAY[1, 2])</c>), which is no
/// difference. So what differs is restored a second time, without rows: what comes out alike twice is what the archive says.
/// </summary>
/// <param name="dump">The archive.</param>
/// <param name="options">How it was loaded.</param>
internal sealed class SchemaComparison(StagedDump dump, DatabaseLoadOptions options)
{
    /// <summary>Compares.</summary>
    /// <param name="session">A session in the restored database.</param>
    /// <param name="createScratch">Makes an empty database like the one that it was restored into.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    public async Task<SchemaFindings> RunAsync(PostgreSqlSession session, Func<Task<WorkDatabase>> createScratch, CancellationToken cancellationToken)
    {
        if (dump.Archive is not { } archive)
            return SchemaFindings.NotCompared("the backup is SQL text");
        SchemaText? expected = await SchemaText.OfArchiveAsync(archive, cancellationToken).ConfigureAwait(false);
        if (expected is null)
            return SchemaFindings.NotCompared("this module does not know the form of the archive");
        if (expected.ServerMajor != session.ServerMajor)
            return SchemaFindings.NotCompared(string.Create(CultureInfo.InvariantCulture, $"the backup is of PostgreSQL {expected.ServerMajor}, and this server is {session.ServerMajor}"));
        PostgreSqlClient client;
        SchemaText? actual;
        try
        {
            client = await PostgreSqlClients.ForAsync(session, "pg_dump", cancellationToken).ConfigureAwait(false);
            if (client.Major != expected.ClientMajor)
                return SchemaFindings.NotCompared($"pg_dump {expected.ClientVersion} wrote it, and the one here is {client.Version}");
            actual = await SchemaText.OfDatabaseAsync(session, client, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupException failure) when (failure is ToolFailedException { WasKilled: false } || failure.Code is ErrorCodes.ToolMissing or ErrorCodes.ClientTooOld)
        {
            return SchemaFindings.NotCompared($"pg_dump could not write it again ({failure.Message.TrimEnd('.')})");
        }

        if (actual is null)
            return SchemaFindings.NotCompared($"this module does not know the archives that pg_dump {client.Version} writes");
        var differences = new SchemaDifferences(options);
        IReadOnlyList<SchemaDifference> found = differences.Between(expected, actual);
        int objects = differences.Count(expected);
        if (found.Count == 0)
            return new SchemaFindings(null, objects, [], []);
        SchemaText? again = await RestoreAgainAsync(client, createScratch, cancellationToken).ConfigureAwait(false);
        if (again is null)
            return SchemaFindings.NotCompared($"it could not be restored a second time, and {found[0].Name} is written in other words");
        // An object that comes or goes is no matter of words.
        ILookup<bool, SchemaDifference> byKind = found.ToLookup(difference => difference.Expected.Count == difference.Actual.Count && differences.AreAlike(difference, again));
        return new SchemaFindings(null, objects, [.. byKind[false].Select(difference => difference.ToString())], [.. byKind[true].Select(difference => difference.Name)]);
    }

    private async Task<SchemaText?> RestoreAgainAsync(PostgreSqlClient client, Func<Task<WorkDatabase>> createScratch, CancellationToken cancellationToken)
    {
        using WorkDatabase scratch = await createScratch().ConfigureAwait(false);
        try
        {
            using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(scratch.Server, scratch.Name, cancellationToken).ConfigureAwait(false);
            await dump.LoadAsync(session, options with { Jobs = 1, SchemaOnly = true }, null, null, cancellationToken).ConfigureAwait(false);
            return await SchemaText.OfDatabaseAsync(session, client, cancellationToken).ConfigureAwait(false);
        }
        catch (ToolFailedException failure) when (!failure.WasKilled)
        {
            return null;
        }
        finally
        {
            await scratch.DropAsync().ConfigureAwait(false);
        }
    }
}
