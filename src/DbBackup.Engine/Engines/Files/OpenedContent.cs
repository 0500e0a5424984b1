using DbBackup.Engine.Platform;
using Microsoft.Win32.SafeHandles;

namespace DbBackup.Engine.Engines.Files;

/// <summary>
/// A file's content with exactly the length that its tar header declares, whatever becomes of the file meanwhile: what it
/// grows by is left out, what it loses is filled with zeros.
/// </summary>
internal sealed class OpenedContent(SafeFileHandle file, string path, long length, Action<int> progress, WatchContent? watch = null) : ReadOnlyStream
{
    private long _position;

    /// <summary>True if the file takes less room than its size: it is asked where its holes are, which are not read.</summary>
    public bool HasHoles { get; init; }

    /// <summary>How many bytes were holes.</summary>
    public long HoleBytes { get; private set; }

    private long _data, _dataEnd;

    /// <summary>How many bytes had to be filled with zeros.</summary>
    public long MissingBytes { get; private set; }

    public override int Read(Span<byte> buffer)
    {
        var wanted = (int)Math.Min(buffer.Length, length - _position);
        if (wanted <= 0)
            return 0;
        if (HasHoles && _position >= _dataEnd)
        {
            _data = UnixFile.NextData(file, _position);
            _dataEnd = _data == long.MaxValue ? _data : UnixFile.NextHole(file, _data);
        }

        if (HasHoles && _position < _data)
            return ReadHole(buffer[..(int)Math.Min(wanted, _data - _position)]);
        if (HasHoles)
            wanted = (int)Math.Min(wanted, _dataEnd - _position);
        var read = ReadOrFail(buffer[..wanted]);
        if (read == 0)
        {
            buffer[..wanted].Clear();
            MissingBytes += wanted;
            read = wanted;
        }

        _position += read;
        progress(read);
        watch?.Invoke(path, buffer[..read]);
        return read;
    }

    private int ReadHole(Span<byte> buffer)
    {
        buffer.Clear();
        _position += buffer.Length;
        HoleBytes += buffer.Length;
        progress(buffer.Length);
        watch?.Invoke(path, buffer);
        return buffer.Length;
    }

    // A disk that fails is no file that changes: zeros in its place would be silent damage.
    private int ReadOrFail(Span<byte> buffer)
    {
        try
        {
            return RandomAccess.Read(file, buffer, _position);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new BackupFailure(
                ErrorCodes.ReadFailed,
                FailureCategory.ReadError,
                $"Reading '{WarningLog.Shown(path)}' failed: {exception.Message}",
                "Check the disk or share that holds the file, then make the backup again.",
                exception)
            {
                Target = WarningLog.Shown(path),
            };
        }
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(Read(buffer.Span));
    }
}
