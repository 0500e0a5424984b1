using DbBackup.Engine.Engines.PostgreSql.Rows;

namespace DbBackup.Engine.Engines.PostgreSql.Text;

/// <summary>
/// The roles of a server as <c>pg_dumpall --globals-only</c> wrote them. It is read by the lexer, statement by statement: any role may put
/// line ends, and words that look like statements, into its own settings and comment.
/// </summary>
internal sealed class RoleScript
{
    /// <summary>How much of it is kept. A role has some hundred bytes.</summary>
    public const int MostBytes = 64 << 20;

    private const int ChunkBytes = 1 << 16;
    private readonly List<RoleStatement> _statements;

    private RoleScript(List<RoleStatement> statements, List<DumpedTablespace> tablespaces) => (_statements, Tablespaces) = (statements, tablespaces);

    /// <summary>The tablespaces that it creates.</summary>
    public IReadOnlyList<DumpedTablespace> Tablespaces { get; }

    /// <summary>The roles that it creates, in its order.</summary>
    public IReadOnlyList<string> Roles => [.. _statements.Where(statement => statement.Creates).Select(statement => statement.Role)];

    /// <summary>Reads a script to its end.</summary>
    /// <exception cref="BackupException">It ends within a statement, or is too large for what it should be.</exception>
    public static async Task<RoleScript> ReadAsync(Stream script, CancellationToken cancellationToken)
    {
        var found = new Statements();
        var lexer = new DumpLexer(found);
        byte[] chunk = new byte[ChunkBytes];
        for (int read; (read = await script.ReadAsync(chunk, cancellationToken).ConfigureAwait(false)) > 0;)
        {
            lexer.Append(chunk.AsSpan(0, read));
            if (found.KeptBytes > MostBytes)
                throw Unfit($"The script of the server's roles has more than {ByteSize.Format(MostBytes)} of statements about roles.", "Look at the script; restore the databases alone with -Content Database.");
        }

        if (!lexer.Complete())
            throw Unfit("The script of the server's roles ends within a statement.", "Test the backup: Test-DbBackup; restore the databases alone with -Content Database, or restore another backup.");
        return new RoleScript(found.Found, found.Tablespaces);
    }

    /// <summary>The statements that create roles, with their attributes, settings, comments and memberships.</summary>
    /// <param name="roles">The roles to create.</param>
    public IReadOnlyList<RoleStatement> For(IReadOnlyCollection<string> roles) => _statements.FindAll(statement => roles.Contains(statement.Role));

    private static BackupFailure Unfit(string message, string hint) => new(ErrorCodes.FormatNotSupported, FailureCategory.InvalidData, message, hint);

    private sealed class Statements : IDumpEvents
    {
        public List<RoleStatement> Found { get; } = [];

        public List<DumpedTablespace> Tablespaces { get; } = [];

        public long KeptBytes { get; private set; }

        public bool WantsRows => false;

        public void Comment(ReadOnlySpan<byte> line, ByteRange range)
        {
        }

        public void Command(ReadOnlySpan<byte> line, ByteRange range)
        {
        }

        public void Statement(ReadOnlySpan<byte> text, ByteRange range)
        {
            // Of a longer one not all is there.
            if (text.Length != range.Length)
                return;
            string statementText = DumpText.Decode(text);
            if (RoleStatement.Read(statementText) is { } statement)
                Found.Add(statement);
            else if (DumpedTablespace.Read(statementText) is { } tablespace)
                Tablespaces.Add(tablespace);
            else if (DumpedTablespace.ReadStatement(statementText) is { } more && Tablespaces.FindIndex(each => each.Name == more.Name) is >= 0 and var index)
                Tablespaces[index] = Tablespaces[index] with { Statements = [.. Tablespaces[index].Statements, more.Sql] };
            else
                return;
            KeptBytes += range.Length;
        }

        public void CopyData(TableRows rows, ReadOnlySpan<byte> text, ByteRange range)
        {
        }
    }
}
