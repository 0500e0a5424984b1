using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Engines.PostgreSql.Text;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.PostgreSql.Load;

/// <summary>How a dump is loaded.</summary>
internal sealed record DatabaseLoadOptions
{
    /// <summary>How many jobs load at once, for archives in a file or folder.</summary>
    public int Jobs { get; init; } = 1;

    /// <summary>From how many bytes of COPY text on a table is loaded by as many connections as there are jobs.</summary>
    public long LargeTableBytes { get; init; } = 32L << 20;

    /// <summary>True if everything is given to the connecting role, without privileges of others.</summary>
    public bool WithoutOwners { get; init; }

    /// <summary>True if SQL text is loaded without its statements about owners and privileges, too: the role may do nothing but that.</summary>
    public bool TextWithoutOwners { get; init; }

    /// <summary>True if publications are left out.</summary>
    public bool WithoutPublications { get; init; }

    /// <summary>True if subscriptions, which reach to another server, are left out.</summary>
    public bool WithoutSubscriptions { get; init; }

    /// <summary>True if comments on extensions are left out: their owner alone may set them.</summary>
    public bool WithoutExtensionComments { get; init; }

    /// <summary>Extensions of a single database that are left out of an archive, with what is their own; see <see cref="SingleDatabaseExtensions"/>.</summary>
    public IReadOnlyCollection<string> WithoutExtensions { get; init; } = [];

    /// <summary>True if what the server refuses is left out and listed, instead of ending the load.</summary>
    public bool KeepsGoing { get; init; }

    /// <summary>True if an archive's definitions are loaded without its rows.</summary>
    public bool SchemaOnly { get; init; }

    /// <summary>Schemas that are there already and stay, for the sake of extensions in them.</summary>
    public IReadOnlyCollection<string> PresentSchemas { get; init; } = [];

    /// <summary>True if the target lacks tablespaces of the dump: everything goes to the database's own.</summary>
    public bool WithoutTablespaces { get; init; }

    /// <summary>A file with the entries to load, as <c>pg_restore --use-list</c> reads it; null for all.</summary>
    public string? ListFile { get; init; }
}

/// <summary>Loads a dump into a database with pg_restore or psql, which stop at the first error.</summary>
/// <param name="server">The server and role.</param>
/// <param name="database">The database.</param>
/// <param name="serverMajor">The server's major version.</param>
/// <param name="client">The programs.</param>
/// <param name="options">How.</param>
internal sealed class DatabaseLoad(PostgreSqlConnectionSettings server, string database, int serverMajor, PostgreSqlClient client, DatabaseLoadOptions options)
{
    // The database is not in use yet and the commit that puts it in place is flushed with everything before it, so its own commits need not
    // wait for the disk. Indexes are built in memory where they fit.
    private string ServerOptions => string.Create(CultureInfo.InvariantCulture, $"{PostgreSqlSession.ToolOptionsFor(serverMajor)} -c synchronous_commit=off -c maintenance_work_mem={Math.Max(64, 512 / options.Jobs)}MB");

    private string Target => PostgreSqlConnectionSettings.ToolDatabase(database);

    /// <summary>Loads an archive that lies in a file or folder.</summary>
    /// <returns>What the server refused; none unless <see cref="DatabaseLoadOptions.KeepsGoing"/>.</returns>
    public async Task<IReadOnlyList<string>> FromArchiveAsync(string archive, CancellationToken cancellationToken)
    {
        using ArchiveInput input = await ArchiveInput.OpenAsync(client, archive, cancellationToken).ConfigureAwait(false);
        using PlacedList list = await PlacedList.OpenAsync(client, options.ListFile, cancellationToken).ConfigureAwait(false);
        // Several jobs need an archive in which they can seek.
        IEnumerable<string> jobs = input.IsStreamed ? [] : [string.Create(CultureInfo.InvariantCulture, $"--jobs={options.Jobs}")];
        using ToolProcess tool = await client.StartAsync(
            "pg_restore", [.. RestoreArguments(list), .. jobs, $"--dbname={Target}", .. input.Arguments], Environment(ServerOptions), input.Use, cancellationToken).ConfigureAwait(false);
        using CancellationTokenRegistration stop = cancellationToken.Register(tool.Kill);
        Task ignored = tool.Output.CopyToAsync(Stream.Null, cancellationToken);
        await input.FeedAsync(tool, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<string> refused = [];
        if (await tool.WaitAsync(cancellationToken).ConfigureAwait(false) != 0)
        {
            refused = options.KeepsGoing ? LoadErrors.OfArchive(tool.Errors) : [];
            if (refused.Count == 0)
                await RequireSuccessAsync(tool, cancellationToken).ConfigureAwait(false);
        }

        await ignored.ConfigureAwait(false);
        return refused;
    }

    /// <summary>Runs SQL text, in which no command to psql may be.</summary>
    /// <param name="text">The text; it is read to its end, and a failure on the way ends psql before it could take the end for a good one.</param>
    /// <param name="origin">The file with the text, for messages.</param>
    /// <param name="cancellationToken">Kills psql.</param>
    /// <returns>What the text says of itself, and what the server refused.</returns>
    public async Task<(PlainDumpReport Report, IReadOnlyList<string> Refused)> FromTextAsync(Stream text, string origin, CancellationToken cancellationToken)
    {
        using ToolProcess psql = await StartPsqlAsync(cancellationToken).ConfigureAwait(false);
        PlainDumpReport? report = null;
        await FeedAsync(psql, origin, async input => report = await input.CopyAsync(text, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        return (report!, options.KeepsGoing ? LoadErrors.OfText(psql.Errors) : []);
    }

    /// <summary>
    /// Turns an archive into SQL and runs that in one transaction, with statements of one's own before and after. Nothing is committed
    /// before the archive has been read to its end.
    /// </summary>
    /// <param name="archive">The archive file or folder.</param>
    /// <param name="origin">The archive's name, for messages.</param>
    /// <param name="before">Statements that come first.</param>
    /// <param name="after">Statements that come last; an error of theirs undoes everything.</param>
    /// <param name="cancellationToken">Undoes everything.</param>
    public async Task FromArchiveInOneTransactionAsync(string archive, string origin, string before, string after, CancellationToken cancellationToken)
    {
        // Without --single-transaction, large objects would come with a COMMIT of their own in the middle.
        using ArchiveInput input = await ArchiveInput.OpenAsync(client, archive, cancellationToken).ConfigureAwait(false);
        using PlacedList list = await PlacedList.OpenAsync(client, options.ListFile, cancellationToken).ConfigureAwait(false);
        using ToolProcess script = await client.StartAsync(
            "pg_restore", [.. RestoreArguments(list), "--single-transaction", "--file=-", .. input.Arguments], Environment(null), input.Use, cancellationToken).ConfigureAwait(false);
        using CancellationTokenRegistration stop = cancellationToken.Register(script.Kill);
        using ToolProcess psql = await StartPsqlAsync(cancellationToken).ConfigureAwait(false);
        Task feeding = input.FeedAsync(script, cancellationToken);
        await FeedAsync(
            psql,
            origin,
            async input =>
            {
                await input.SayAsync(Begin + before + "\n", cancellationToken).ConfigureAwait(false);
                await CopyWithoutCommitAsync(script.Output, input, cancellationToken).ConfigureAwait(false);
                await feeding.ConfigureAwait(false);
                // Only when pg_restore has said that this was all may psql come to the end.
                await RequireSuccessAsync(script, cancellationToken).ConfigureAwait(false);
                await input.SayAsync("\n" + after + Commit, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The same for SQL text.</summary>
    public async Task FromTextInOneTransactionAsync(Stream text, string origin, string before, string after, CancellationToken cancellationToken)
    {
        using ToolProcess psql = await StartPsqlAsync(cancellationToken).ConfigureAwait(false);
        await FeedAsync(
            psql,
            origin,
            async input =>
            {
                await input.SayAsync(Begin + before + "\n", cancellationToken).ConfigureAwait(false);
                await input.CopyAsync(text, cancellationToken).ConfigureAwait(false);
                await input.SayAsync("\n" + after + Commit, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Turns an archive into SQL text, which reads all of it: a listing alone proves nothing of the data.</summary>
    /// <param name="client">The programs.</param>
    /// <param name="archive">The archive file or folder.</param>
    /// <param name="take">Reads the text to its end.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <param name="withDatabase">True if the text also creates the database and says what belongs to it as a whole.</param>
    public static async Task ToTextAsync(PostgreSqlClient client, string archive, Func<Stream, Task> take, CancellationToken cancellationToken, bool withDatabase = false)
    {
        string[] arguments = withDatabase ? ["--create", "--file=-"] : ["--file=-"];
        using ArchiveInput input = await ArchiveInput.OpenAsync(client, archive, cancellationToken).ConfigureAwait(false);
        using ToolProcess tool = await client.StartAsync("pg_restore", [.. arguments, .. input.Arguments], new Dictionary<string, string?>(), input.Use, cancellationToken).ConfigureAwait(false);
        using CancellationTokenRegistration stop = cancellationToken.Register(tool.Kill);
        Task feeding = input.FeedAsync(tool, cancellationToken);
        await take(tool.Output).ConfigureAwait(false);
        await feeding.ConfigureAwait(false);
        int exitCode = await tool.WaitAsync(cancellationToken).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        if (exitCode != 0)
            throw new ToolFailedException(tool.Name, exitCode, tool.Errors, "The archive is damaged or was cut off; use another one.");
    }

    private IEnumerable<string> RestoreArguments(PlacedList list)
    {
        if (!options.KeepsGoing)
            yield return "--exit-on-error";
        if (options.SchemaOnly)
            yield return "--schema-only";
        yield return "--no-password";
        if (options.WithoutOwners)
        {
            yield return "--no-owner";
            yield return "--no-privileges";
        }

        if (options.WithoutOwners || options.WithoutTablespaces)
            yield return "--no-tablespaces";

        if (options.WithoutPublications)
            yield return "--no-publications";
        if (options.WithoutSubscriptions)
            yield return "--no-subscriptions";

        if (list.Path is { } path)
            yield return $"--use-list={path}";
    }

    // psql's own --single-transaction commits at the end of its input, also where this process was killed and the end came too early.
    private const string Begin = "BEGIN;\n";
    private const string Commit = "\nCOMMIT;\n";

    // More than what pg_restore writes after its COMMIT: the closing comment and \unrestrict.
    private const int TailBytes = 4096;

    // The script commits at its end, where more is still to come.
    private static async Task CopyWithoutCommitAsync(Stream script, PsqlInput input, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[1 << 20];
        int held = 0;
        int read;
        while ((read = await script.ReadAsync(buffer.AsMemory(held), cancellationToken).ConfigureAwait(false)) > 0)
        {
            held += read;
            int passed = Math.Max(0, held - TailBytes);
            await input.PassAsync(buffer.AsMemory(0, passed), cancellationToken).ConfigureAwait(false);
            buffer.AsSpan(passed, held - passed).CopyTo(buffer);
            held -= passed;
        }

        int commit = buffer.AsSpan(0, held).LastIndexOf("\nCOMMIT;"u8);
        if (commit < 0)
        {
            throw new BackupFailure(
                ErrorCodes.DumpIncomplete, FailureCategory.InvalidData, "What pg_restore made of the archive ends before its COMMIT. Nothing was changed.", "Try again; if it happens again, test the backup: Test-DbBackup -Level Restore.");
        }

        await input.PassAsync(buffer.AsMemory(0, commit), cancellationToken).ConfigureAwait(false);
        input.Complete();
    }

    private Task<ToolProcess> StartPsqlAsync(CancellationToken cancellationToken)
    {
        string nowhere = client.Place is null && OperatingSystem.IsWindows() ? "NUL" : "/dev/null";
        List<string> arguments = ["--no-psqlrc", "--quiet", "--no-password", options.KeepsGoing ? "--set=ON_ERROR_STOP=0" : "--set=ON_ERROR_STOP=1", "--output=" + nowhere, $"--dbname={Target}", "--file=-"];
        return client.StartAsync("psql", arguments, Environment(ServerOptions + " -c client_min_messages=error"), ToolUse.Feed, cancellationToken);
    }

    private IReadOnlyDictionary<string, string?> Environment(string? serverOptions) => server.ForDatabase(database).ToToolEnvironment(serverOptions);

    private async Task FeedAsync(ToolProcess tool, string origin, Func<PsqlInput, Task> write, CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration stop = cancellationToken.Register(tool.Kill);
        Task ignored = tool.Output.CopyToAsync(Stream.Null, cancellationToken);
        try
        {
            var input = new PsqlInput(tool.Input, origin, options.TextWithoutOwners);
            if (PsqlInput.KnowsRestrict(client.Version))
                await input.RestrictAsync(cancellationToken).ConfigureAwait(false);
            await write(input).ConfigureAwait(false);
            await tool.Input.FlushAsync(cancellationToken).ConfigureAwait(false);
            tool.Input.Close();
        }
        catch (IOException)
        {
            // The program has gone; its exit code and words say why.
            cancellationToken.ThrowIfCancellationRequested();
        }
        catch
        {
            // An input that ends too early would pass for a complete one, and be committed.
            tool.Kill();
            throw;
        }

        await RequireSuccessAsync(tool, cancellationToken).ConfigureAwait(false);
        await ignored.ConfigureAwait(false);
    }

    private async Task RequireSuccessAsync(ToolProcess tool, CancellationToken cancellationToken)
    {
        int exitCode = await tool.WaitAsync(cancellationToken).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        if (exitCode != 0)
            throw await DumpFailures.ExplainAsync(server, database, tool.Name, exitCode, tool.Errors, cancellationToken).ConfigureAwait(false);
    }
}
