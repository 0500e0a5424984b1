using System.Formats.Tar;
using System.Globalization;
using System.Text;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Files;
using DbBackup.Engine.Payloads;

namespace DbBackup.Engine.Docker.Restore;

/// <summary>
/// Puts a restored state in place inside a volume or mount: it is unpacked beside, read back, and takes the place of what is there by renames.
/// All of it is done by a small container of an image that is here already, so that it works on any engine, near or far.
/// </summary>
internal sealed class VolumeSwap : IAsyncDisposable
{
    private const string Script = "dbbackup-run.sh";
    private const int ExitNotUndone = 5;
    private readonly DockerClient _client;
    private readonly string _helper;
    private readonly string _id;
    private readonly string _folder;
    private readonly string? _fileName;

    private VolumeSwap(DockerClient client, string helper, string id, VolumePlace place, bool isSingleFile)
    {
        _client = client;
        _helper = helper;
        _id = id;
        Place = place;
        bool isFolder = place.Files is not null && !isSingleFile && place.Databases.Count == 0 || place.Databases.Any(database => database.Relative.Length > 0);
        string path = TemporaryContainer.MountPath + (place.Path.Length == 0 && isSingleFile ? "/" + place.Files!.RestoreName : place.Path);
        _folder = isFolder ? path : path[..path.LastIndexOf('/')];
        _fileName = isFolder ? null : path[(path.LastIndexOf('/') + 1)..];
    }

    /// <summary>What is replaced.</summary>
    public VolumePlace Place { get; }

    private string NewName => WorkFolders.NewPrefix + _id;

    private string OldName => WorkFolders.OldPrefix + _id;

    /// <summary>Makes the container that will do the work; nothing in the volume is touched yet.</summary>
    /// <param name="client">The engine.</param>
    /// <param name="place">What is replaced.</param>
    /// <param name="isSingleFile">True if the files to restore are one file alone, which is no database.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupException">No image here has a shell.</exception>
    public static async Task<VolumeSwap> CreateAsync(DockerClient client, VolumePlace place, bool isSingleFile, CancellationToken cancellationToken)
    {
        await TemporaryContainer.SweepAsync(client, cancellationToken).ConfigureAwait(false);
        IEnumerable<string> images = (await client.ImageListAsync(cancellationToken).ConfigureAwait(false)).OrderBy(image => image.Size).Select(image => image.Id);
        foreach (string image in (place.Image is null ? images : images.Prepend(place.Image)).Distinct(StringComparer.Ordinal).Take(10))
        {
            string id = Guid.NewGuid().ToString("N")[..12];
            string helper = await client.ContainerCreateAsync(null, await ConfigureAsync(client, image, place.Bind, id, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
            var swap = new VolumeSwap(client, helper, id, place, isSingleFile);
            try
            {
                await swap.RunAsync(swap.Prepare(await TemporaryContainer.WorkInProgressAsync(client, cancellationToken).ConfigureAwait(false)), cancellationToken).ConfigureAwait(false);
                return swap;
            }
            catch (BackupFailure failure) when (failure.Code == ErrorCodes.DockerFailed)
            {
                // It has no shell.
                await swap.DisposeAsync().ConfigureAwait(false);
            }
            catch
            {
                await swap.DisposeAsync().ConfigureAwait(false);
                throw;
            }
        }

        throw new BackupFailure(
            ErrorCodes.ToolMissing,
            FailureCategory.MissingTool,
            $"No image of the engine at '{client.Endpoint}' has a shell, which is needed to put files in place in '{place.Location}'. Nothing was changed.",
            "Pull any small image that has one (docker pull busybox), or restore into a folder with -Destination.")
        { Target = place.Location.ToString() };
    }

    /// <summary>Unpacks the restored state beside what is there, and reads it back.</summary>
    /// <exception cref="BackupException">The backup is damaged, there is no room, or something else arrived.</exception>
    public async Task StageAsync(BackupContent content, IReadOnlyList<(Payload Payload, string File, string Relative)> databases, CancellationToken cancellationToken)
    {
        var archive = new UploadArchive(NewName, _fileName);
        (Payload, string, string)[] named = [.. databases.Select(database => (database.Payload, database.File, database.Relative.Length > 0 ? database.Relative : _fileName!))];
        try
        {
            await _client.PutContainerArchiveAsync(
                _helper, _folder, (target, token) => archive.WriteAsync(target, content, Place.Files, named, token), cancellationToken).ConfigureAwait(false);
        }
        catch (BackupFailure failure) when (failure.Code == ErrorCodes.DockerFailed && failure.Message.Contains("no space left", StringComparison.OrdinalIgnoreCase))
        {
            throw new BackupFailure(
                ErrorCodes.NotEnoughSpace, FailureCategory.WriteError, $"There is no room in '{Place.Location}' for the restored state beside the present one. Nothing was replaced.",
                "Make room there, or restore into another volume (-Volume).", failure)
            { Target = Place.Location.ToString() };
        }

        using Stream arrived = await _client.ContainerArchiveAsync(_helper, $"{_folder}/{NewName}", cancellationToken).ConfigureAwait(false);
        if (await archive.FindDifferenceAsync(arrived, cancellationToken).ConfigureAwait(false) is { } difference)
        {
            throw new BackupFailure(
                ErrorCodes.RestoreMismatch, FailureCategory.InvalidData, $"The content unpacked in '{Place.Location}' differs from what was sent: {difference}. Nothing was replaced.",
                "Check the disk of the engine's machine, then try again.")
            { Target = Place.Location.ToString() };
        }

        Attributes = _fileName is null && archive.Mode is { } mode ? $"chmod {mode} . && chown {archive.Owner} . && " : string.Empty;
    }

    private string Attributes { get; set; } = string.Empty;

    /// <summary>Takes the place of what is there, which is kept beside. Where it fails, everything is as it was.</summary>
    public async Task SwapAsync(CancellationToken cancellationToken)
    {
        // Where it cannot go on, only what it has moved is moved back: nothing of the old state may get among the new, which is removed then.
        string script = $$"""
            cd {{Quote(_folder)}} || exit 3
            mkdir {{OldName}} || exit 3
            {{AsOwned(".", OldName)}}
            {{MoveAll}}
            if moveall . {{Quote(_folder + "/" + OldName)}}; then
              if moveall {{NewName}} {{Quote(_folder)}}; then {{Attributes}}rmdir {{NewName}}; sync; exit 0; fi
              moveall . {{Quote(_folder + "/" + NewName)}}
            fi
            moveall {{OldName}} {{Quote(_folder)}} && rmdir {{OldName}} && exit 4
            mv {{OldName}} dbbackup-kept-{{_id}}; echo "what was there is in dbbackup-kept-{{_id}}"
            exit {{ExitNotUndone}}
            """;
        await RunAsync(script, cancellationToken).ConfigureAwait(false);
        IsSwapped = true;
    }

    /// <summary>True if the restored state is in place.</summary>
    public bool IsSwapped { get; private set; }

    /// <summary>Gives what was there its place again.</summary>
    public async Task UndoAsync()
    {
        await RunAsync(
            $$"""
            cd {{Quote(_folder)}} && mkdir -p {{NewName}} || exit 3
            {{MoveAll}}
            moveall . {{Quote(_folder + "/" + NewName)}} && moveall {{OldName}} {{Quote(_folder)}} || exit 4
            {{AsOwned(OldName, ".")}}
            rmdir {{OldName}}
            """,
            CancellationToken.None).ConfigureAwait(false);
        IsSwapped = false;
    }

    /// <summary>Removes what has served: what was replaced, or what was not put in place. What was there before and did not get its place again stays.</summary>
    public Task CleanAsync() => RunAsync($"cd {Quote(_folder)} && rm -rf {NewName}{(IsSwapped ? " " + OldName : string.Empty)}", CancellationToken.None);

    // Of a restore that was killed before or after its swap only one of the two folders is there, and nobody needs it any more.
    // Where both are, an engine went down in the middle of the swap: somebody has to look at that.
    private string Prepare(IReadOnlyList<string> inProgress) =>
        $$"""
        mkdir -p {{Quote(_folder)}} && cd {{Quote(_folder)}} || exit 3
        clean() { for f in "$1"*; do id=${f#"$1"}; case " {{string.Join(' ', inProgress)}} " in *" $id "*) continue;; esac; if [ -d "$f" ] && [ ! -e "$2$id" ]; then rm -rf "$f"; fi; done; }
        clean {{WorkFolders.NewPrefix}} {{WorkFolders.OldPrefix}}; clean {{WorkFolders.OldPrefix}} {{WorkFolders.NewPrefix}}
        exit 0
        """;

    // Of a database its -wal, -shm and -journal go with it: left beside the new one they would damage it.
    private string MoveAll
    {
        get
        {
            string names = _fileName is null ? "* .[!.]* ..?*" : string.Join(' ', new[] { string.Empty, "-wal", "-shm", "-journal" }.Select(suffix => Quote(_fileName + suffix)));
            return $$"""moveall() { ( cd "$1" && for f in {{names}}; do case "$f" in {{NewName}}|{{OldName}}) continue;; esac; if [ -e "./$f" ] || [ -L "./$f" ]; then mv "./$f" "$2/" || exit 1; fi; done ); }""";
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _client.ContainerDeleteAsync(_helper, CancellationToken.None).ConfigureAwait(false);
        }
        catch (BackupException)
        {
            // It harms nobody, and the next run removes it.
        }
    }

    private static async Task<object> ConfigureAsync(DockerClient client, string image, string bind, string id, CancellationToken cancellationToken)
    {
        ImageInspect inspected = await client.ImageInspectAsync(image, cancellationToken).ConfigureAwait(false);
        return new
        {
            Image = image,
            User = "0:0",
            WorkingDir = "/",
            Entrypoint = (string[])["sh"],
            Cmd = (string[])["/" + Script],
            NetworkDisabled = true,
            Healthcheck = new { Test = (string[])["NONE"] },
            Labels = new Dictionary<string, string>(TemporaryContainer.OwnLabels()) { [TemporaryContainer.WorkLabel] = id },
            HostConfig = new
            {
                NetworkMode = "none",
                Binds = (string[])[$"{bind}:{TemporaryContainer.MountPath}"],
                Tmpfs = (inspected.Config?.Volumes?.Keys ?? []).ToDictionary(path => path, _ => string.Empty),
            },
        };
    }

    private async Task RunAsync(string script, CancellationToken cancellationToken)
    {
        await _client.PutContainerArchiveAsync(
            _helper,
            "/",
            async (target, token) =>
            {
                using var tar = new TarWriter(target, TarEntryFormat.Pax, leaveOpen: true);
                using var text = new MemoryStream(Encoding.UTF8.GetBytes(script.ReplaceLineEndings("\n") + "\n"));
                await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, Script) { DataStream = text, Mode = (UnixFileMode)0b111_101_101 }, token).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
        await _client.ContainerStartAsync(_helper, cancellationToken).ConfigureAwait(false);
        int exitCode = await _client.ContainerWaitAsync(_helper, CancellationToken.None).ConfigureAwait(false);
        if (exitCode == 0)
            return;
        string words = (await _client.ContainerLogsAsync(_helper, 5, CancellationToken.None).ConfigureAwait(false)).Trim();
        throw new BackupFailure(
            words.Contains("No space left", StringComparison.Ordinal) ? ErrorCodes.NotEnoughSpace : ErrorCodes.WriteFailed,
            FailureCategory.WriteError,
            string.Create(CultureInfo.InvariantCulture, $"The files in '{Place.Location}' could not be put in place (exit code {exitCode}): {words}"),
            exitCode == ExitNotUndone
                ? "What was there is kept in the folder named, beside its place: see why the files there cannot be moved, and move them back."
                : "What was there is as it was. See that the volume is writable and has room, then try again.")
        { Target = Place.Location.ToString() };
    }

    // The folder itself is not moved; what it was is kept on the folder of the old state. A failure is let pass: where owners are not kept (FAT,
    // SMB) or may not be given (NFS that squashes root, a user namespace without that owner), the restored ones could not be given to the folder
    // either, so it still has its own. And the files are in their place then: a way back must not fail for the folder's mode.
    private static string AsOwned(string from, string to) =>
        $"chown $(stat -c %u:%g {from}) {to} && chmod $(stat -c %a {from}) {to} || true";

    private static string Quote(string path) => "'" + path.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}
