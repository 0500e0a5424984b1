using System.Buffers;
using System.Formats.Tar;
using DbBackup.Engine.Platform;
using Microsoft.Win32.SafeHandles;

namespace DbBackup.Engine.Engines.Files;

/// <summary>
/// Extracts a tar of any usual make (POSIX, GNU, ustar, v7) into a new folder, and nothing outside it. Files are not flushed
/// to disk one by one: the caller flushes the whole before it relies on it. After a failure the destination holds what was
/// extracted so far, and is the caller's to delete.
/// </summary>
internal static class FolderExtractor
{
    /// <summary>Extracts the archive.</summary>
    /// <param name="tar">The archive; read to its end, and left open.</param>
    /// <param name="destination">A folder that is empty or does not exist.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="BackupFailure">
    /// <see cref="ErrorCodes.UnsafeContent"/> for an entry that would land outside, <see cref="ErrorCodes.BackupDamaged"/>,
    /// <see cref="ErrorCodes.DestinationExists"/>, <see cref="ErrorCodes.WriteFailed"/>.
    /// </exception>
    public static async Task<ArchiveSummary> ExtractAsync(
        Stream tar, string destination, ExtractOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new ExtractOptions();
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(destination));
        var warnings = new WarningLog();
        try
        {
            Prepare(full);
            var root = new ExtractionRoot(full, options.StripFirstFolder);
            var run = new Run(root, new EntryAttributes(options.RestoreOwners, warnings), warnings, options);
            var scan = new TarScan(tar, options.RequireEndMark);
            while (await scan.NextAsync(cancellationToken).ConfigureAwait(false) is { } entry)
                await run.AddAsync(scan, entry, cancellationToken).ConfigureAwait(false);
            run.Finish();
            return warnings.Summarize(run.Entries, run.ContentBytes);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new BackupFailure(
                ErrorCodes.WriteFailed,
                FailureCategory.WriteError,
                $"Extracting to '{full}' failed: {exception.Message}",
                "Check the free space and the permissions there, then start again with an empty folder.",
                exception)
            {
                Target = full,
            };
        }
    }

    private static void Prepare(string destination)
    {
        if (Presence.IsFile(destination) || (Presence.IsFolder(destination) && Directory.EnumerateFileSystemEntries(destination).Any()))
        {
            throw new BackupFailure(
                ErrorCodes.DestinationExists,
                FailureCategory.AlreadyExists,
                $"'{destination}' exists and is not empty. Nothing was extracted.",
                "Extract into a new folder.")
            {
                Target = destination,
            };
        }

        PrivateFiles.CreateFolder(destination);
    }

    /// <summary>One extraction.</summary>
    private sealed class Run(ExtractionRoot root, EntryAttributes attributes, WarningLog warnings, ExtractOptions options)
    {
        private const int BufferBytes = 1 << 20;

        // The usual block of file systems.
        private const int HoleBytes = 4096;

        public long Entries { get; private set; }

        public long ContentBytes { get; private set; }

        public void Finish()
        {
            attributes.ApplyToFolders();
            attributes.Complete();
            options.Bytes?.Report(ContentBytes);
        }

        public async Task AddAsync(TarScan scan, TarItem entry, CancellationToken cancellationToken)
        {
            if (entry.EntryType is TarEntryType.TapeVolume or TarEntryType.DirectoryList || options.Wanted?.Invoke(entry.Name) == false)
                return;
            if (root.Resolve(entry.Name) is not { } path)
                return;
            root.EnsureParents(path);
            if (entry.EntryType == TarEntryType.Directory)
            {
                AddFolder(path, entry);
                return;
            }

            if (entry.EntryType is TarEntryType.CharacterDevice or TarEntryType.BlockDevice)
            {
                warnings.Add(entry.Name, "a device, left out");
                return;
            }

            MakeWay(path, entry.Name);
            switch (entry.EntryType)
            {
                case TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile:
                    await AddFileAsync(scan, path, entry, cancellationToken).ConfigureAwait(false);
                    break;
                case TarEntryType.SymbolicLink:
                    AddSymbolicLink(path, entry);
                    break;
                case TarEntryType.HardLink:
                    AddHardLink(path, entry);
                    break;
                case TarEntryType.Fifo when UnixFile.TryMakeFifo(path):
                    attributes.Apply(path, entry);
                    Entries++;
                    break;
                default:
                    warnings.Add(entry.Name, $"an entry of the kind {entry.EntryType}, left out");
                    break;
            }
        }

        private void AddFolder(string path, TarItem entry)
        {
            if (path != root.Destination)
            {
                if (!ExtractionRoot.TryRead(path, out var kind))
                    UnixFile.CreateFolder(path, isPrivate: true); // with its final mode we might not write into it
                else if (kind != FileKind.Directory)
                    throw root.Unsafe(path, "is a folder where the archive already has something else");
                root.NoteFolder(path);
            }

            attributes.RememberFolder(path, entry);
            Entries++;
        }

        /// <summary>As in every tar, a later entry of the same name replaces the earlier one; but nothing replaces a folder.</summary>
        private void MakeWay(string path, string name)
        {
            if (path == root.Destination)
            {
                throw new BackupFailure(
                    ErrorCodes.TargetInvalid,
                    FailureCategory.InvalidData,
                    $"The archive holds a single file '{WarningLog.Shown(name)}', where a folder is expected.",
                    "Extract it without taking off the first part of its name.");
            }

            if (!ExtractionRoot.TryRead(path, out var kind))
                return;
            if (kind == FileKind.Directory)
                throw root.Unsafe(path, "would replace a folder of the archive");
            UnixFile.Delete(path);
            warnings.Add(name, "the archive holds it more than once; the last one was kept");
        }

        private async Task AddFileAsync(TarScan scan, string path, TarItem entry, CancellationToken cancellationToken)
        {
            var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(entry.Length, 1, BufferBytes));
            FileStream file = UnixFile.CreatePrivateFile(path);
            await using (file.ConfigureAwait(false))
            {
                int read;
                while ((read = await scan.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
                {
                    if (options.MakeHoles)
                        WriteWithHoles(file, buffer.AsSpan(0, read));
                    else
                        file.Write(buffer, 0, read);
                    ContentBytes += read;
                    if (read == buffer.Length)
                        options.Bytes?.Report(ContentBytes);
                }

                // A hole at its end is there only by its length.
                if (options.MakeHoles && file.Length < entry.Length)
                    file.SetLength(entry.Length);
            }

            ArrayPool<byte>.Shared.Return(buffer);
            attributes.Apply(path, entry);
            Entries++;
        }

        private static void WriteWithHoles(FileStream file, ReadOnlySpan<byte> content)
        {
            while (!content.IsEmpty)
            {
                // In blocks of the file, whatever pieces come.
                int length = (int)Math.Min(content.Length, HoleBytes - (file.Position % HoleBytes));
                if (content[..length].ContainsAnyExcept((byte)0))
                    file.Write(content[..length]);
                else
                    file.Seek(length, SeekOrigin.Current);
                content = content[length..];
            }
        }

        private void AddSymbolicLink(string path, TarItem entry)
        {
            try
            {
                UnixFile.CreateLink(path, entry.LinkName);
            }
            catch (Exception exception) when (OperatingSystem.IsWindows() && exception is IOException or UnauthorizedAccessException)
            {
                // Windows lets only administrators and developers make them.
                warnings.AddUnreadable(entry.Name, "the link could not be made and was left out");
                return;
            }

            attributes.Apply(path, entry);
            Entries++;
        }

        private static void CopyFile(string existing, string path)
        {
            using SafeFileHandle source = UnixFile.OpenForReading(existing, out int error) ?? throw UnixFile.Failed($"'{existing}' could not be read", error);
            using FileStream copy = UnixFile.CreatePrivateFile(path);
            using var content = new FileStream(source, FileAccess.Read, 1);
            content.CopyTo(copy);
        }

        private void AddHardLink(string path, TarItem entry)
        {
            if (root.Resolve(entry.LinkName) is not { } existing || existing == root.Destination)
                throw root.Unsafe(path, "is a second name for a folder");
            root.EnsureParents(existing);
            if (!ExtractionRoot.TryRead(existing, out var kind))
                throw TarScan.Damaged($"'{WarningLog.Shown(entry.Name)}' is a second name for '{WarningLog.Shown(entry.LinkName)}', which is not in it", null);
            if (kind == FileKind.Directory)
                throw root.Unsafe(path, "is a second name for a folder");
            if (!UnixFile.TryLink(existing, path))
            {
                if (kind != FileKind.File)
                {
                    warnings.AddUnreadable(entry.Name, "the second name could not be made and was left out");
                    return;
                }

                CopyFile(existing, path);
                attributes.Apply(path, entry);
                warnings.Add(entry.Name, "second names are not possible here; it is a copy");
            }

            Entries++;
        }
    }
}
