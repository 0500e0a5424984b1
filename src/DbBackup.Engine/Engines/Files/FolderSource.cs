using System.Globalization;

namespace DbBackup.Engine.Engines.Files;

/// <summary>A folder or a single file, stored as one tar.</summary>
/// <param name="path">The absolute path of the folder or file.</param>
public sealed class FolderSource(string path) : IBackupSource
{
    private const int WarningsNoted = 50;

    /// <summary>The engine's name in manifests.</summary>
    public const string EngineName = "Files";

    /// <inheritdoc/>
    public string Engine => EngineName;

    /// <inheritdoc/>
    public string DefaultName => Path.GetFileName(path);

    /// <inheritdoc/>
    public string Location => path;

    /// <inheritdoc/>
    public Task<SourcePreview> InspectAsync(CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            if (!Directory.Exists(path) && !File.Exists(path))
            {
                throw new BackupFailure(
                    ErrorCodes.SourceNotFound,
                    FailureCategory.NotFound,
                    $"There is no file or folder '{path}'.",
                    "Check the path given with -AdditionalPath; nothing was created.")
                { Target = path };
            }

            return new SourcePreview(new FolderArchiver().Measure(path, cancellationToken).ArchiveBytes, 0);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<Capture> CaptureAsync(CaptureContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        var archiver = new FolderArchiver { Exclude = context.Excluded };
        string name = Path.GetFileName(path);
        return Task.FromResult(new Capture
        {
            Taken = context.Clock.GetUtcNow(),
            Payloads =
            [
                new CapturedPayload
                {
                    FileName = name + ".tar",
                    Kind = PayloadKind.Files,
                    Format = PayloadFormat.Tar,
                    RestoreName = name,
                    OriginalPath = path,
                    WriteTo = async (target, progress, token) =>
                    {
                        ArchiveSummary summary = await archiver.WriteAsync(path, target, progress, token).ConfigureAwait(false);
                        summary.RequireAllRead(name, path, "Run as a user who may read them all, or leave the folder out of -AdditionalPath.");
                        return new StreamSummary(summary.Entries, Notes(name, summary));
                    },
                },
            ],
        });
    }

    private static List<string> Notes(string name, ArchiveSummary summary)
    {
        List<string> notes = [.. summary.Warnings.Take(WarningsNoted)];
        if (summary.WarningCount > notes.Count)
        {
            notes.Add(string.Create(
                CultureInfo.InvariantCulture, $"{summary.WarningCount - notes.Count} more files of {name} changed or could not be read while they were archived."));
        }

        return notes;
    }
}
