using System.Management.Automation;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Sources;
using DbBackup.Engine.Sources.Files;
using DbBackup.Engine.Sources.Sqlite;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Makes a backup of SQLite databases and the files beside them.</summary>
[Cmdlet(VerbsCommon.New, "DbBackup", SupportsShouldProcess = true, DefaultParameterSetName = PathSet)]
[OutputType(typeof(Backup))]
public sealed class NewDbBackupCommand : BackupCreationCommandBase
{
    private int _count;

    /// <summary>Folders or files beside the database.</summary>
    [Parameter]
    [SupportsWildcards]
    public string[] Include { get; set; } = [];

    /// <summary>How the database is stored.</summary>
    [Parameter]
    [ValidateSet("Native", "Sql")]
    public string Format { get; set; } = "Native";

    /// <summary>How deep the fingerprint goes.</summary>
    [Parameter]
    public FingerprintLevel Fingerprint { get; set; }

    /// <summary>How long to wait for a locked database, in seconds.</summary>
    [Parameter]
    [ValidateRange(1, 86400)]
    public int LockTimeout { get; set; } = 30;

    /// <summary>Accepts a database without tables.</summary>
    [Parameter]
    public SwitchParameter AllowEmpty { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (PathItem item in ResolveItems())
            TryEach(item.Given, () => BackUp(item));
    }

    private void BackUp(PathItem item)
    {
        if (item.Resolved is not { } path)
            throw item.Failure!;
        if (item.ByWildcard && !SqliteFile.IsDatabase(path))
        {
            WriteVerbose($"Passed over '{path}': it is not a SQLite database.");
            return;
        }

        if (++_count > 1 && Source is not null)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument,
                FailureCategory.InvalidArgument,
                $"-Source '{Source}' names one source, but '{path}' is a second database.",
                "Leave -Source out (each database gets its own name), or back them up one by one.")
            { Target = path };
        }

        var sources = new List<IBackupSource>
        {
            new SqliteSource(path, Enum.Parse<SqliteFormat>(Format), TimeSpan.FromSeconds(LockTimeout), AllowEmpty),
        };
        sources.AddRange(ResolveIncludes().Select(include => new FolderSource(include)));
        BackupRequest request = Describe(sources) with
        {
            Fingerprint = MyInvocation.BoundParameters.ContainsKey(nameof(Fingerprint)) ? Fingerprint
                : Verify ? FingerprintLevel.Content : FingerprintLevel.Rows,
        };
        Create(request, path, "Back up");
    }

    private IEnumerable<string> ResolveIncludes()
    {
        foreach (string include in Include)
        {
            if (!WildcardPattern.ContainsWildcardCharacters(include))
            {
                yield return System.IO.Path.TrimEndingDirectorySeparator(ResolvePath(include));
                continue;
            }

            // A wildcard that finds nothing would leave the uploads out, and nobody would notice.
            foreach (string match in ExpandWildcard(include))
                yield return match;
        }
    }
}
