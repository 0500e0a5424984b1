using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Rows;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.PostgreSql.Verify;

/// <summary>
/// The schema as pg_dump writes it: each object with its SQL, out of an archive's table of contents. That of the source stands in the stored
/// archive itself, so it is of the dump's own snapshot and costs a backup nothing.
/// </summary>
internal sealed class SchemaText
{
    private const int FirstRead = 1 << 20;

    // What pg_restore keeps in memory too.
    private const int LongestContents = 256 << 20;

    // A tar's first member is the table of contents, behind a header of 512 bytes.
    private const int TarHeader = 512;

    private SchemaText(ArchiveContents contents)
    {
        ServerMajor = Major(contents.ServerVersion);
        ClientMajor = Major(contents.ClientVersion);
        ClientVersion = contents.ClientVersion.Split(' ')[0];
        Definitions = contents.Definitions;
    }

    /// <summary>The major version of the server; null if it is not known.</summary>
    public int? ServerMajor { get; }

    /// <summary>The major version of the pg_dump that wrote it; null if it is not known.</summary>
    public int? ClientMajor { get; }

    /// <summary>The version of that pg_dump.</summary>
    public string ClientVersion { get; }

    /// <summary>The objects.</summary>
    public IReadOnlyList<ArchivedDefinition> Definitions { get; }

    /// <summary>Reads the schema of an archive file or folder; null if it is of a form that is not known here.</summary>
    public static async Task<SchemaText?> OfArchiveAsync(string archive, CancellationToken cancellationToken)
    {
        string path = Directory.Exists(archive) ? Path.Combine(archive, "toc.dat") : archive;
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.Asynchronous | FileOptions.SequentialScan);
        return await ReadAsync(file, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Has pg_dump write the schema of a database.</summary>
    /// <param name="session">A session in it.</param>
    /// <param name="client">The programs.</param>
    /// <param name="cancellationToken">Kills pg_dump.</param>
    /// <exception cref="ToolFailedException">pg_dump failed.</exception>
    public static async Task<SchemaText?> OfDatabaseAsync(PostgreSqlSession session, PostgreSqlClient client, CancellationToken cancellationToken)
    {
        string[] arguments = ["--format=custom", "--compress=0", "--schema-only", "--no-password", $"--dbname={PostgreSqlConnectionSettings.ToolDatabase(session.Database)}"];
        IReadOnlyDictionary<string, string?> environment = session.Server.ForDatabase(session.Database).ToToolEnvironment("-c quote_all_identifiers=off");
        using ToolProcess tool = await client.StartAsync("pg_dump", arguments, environment, ToolUse.Stream, cancellationToken).ConfigureAwait(false);
        using CancellationTokenRegistration stop = cancellationToken.Register(tool.Kill);
        SchemaText? schema = await ReadAsync(tool.Output, cancellationToken).ConfigureAwait(false);
        await tool.Output.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
        await tool.RequireSuccessAsync("Read pg_dump's output.", cancellationToken).ConfigureAwait(false);
        return schema;
    }

    /// <summary>Reads the schema at the beginning of an archive that streams; null if it is of a form that is not known here.</summary>
    public static async Task<SchemaText?> ReadAsync(Stream archive, CancellationToken cancellationToken)
    {
        byte[] start = new byte[FirstRead];
        int length = 0;
        while (true)
        {
            int read = await archive.ReadAtLeastAsync(start.AsMemory(length), start.Length - length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            length += read;
            int skipped = start.AsSpan(0, length).StartsWith("toc.dat\0"u8) ? TarHeader : 0;
            if (ArchiveContents.TryRead(start.AsSpan(skipped, length - skipped), out ArchiveContents? contents, out _, withDefinitions: true))
                return contents is null ? null : new SchemaText(contents);
            if (length < start.Length || length >= LongestContents)
                return null;
            Array.Resize(ref start, 2 * start.Length);
        }
    }

    // 15.18, 19devel, 18beta1.
    private static int? Major(string version) =>
        int.TryParse(string.Concat(version.TakeWhile(char.IsAsciiDigit)), NumberStyles.None, CultureInfo.InvariantCulture, out int major) ? major : null;
}
