using System.Security.Cryptography;
using System.Text;
using DbBackup.Engine.Platform;

namespace DbBackup.Upgrades.Deployments.ComposeFiles;

/// <summary>A change of a compose file, as the journal has it.</summary>
/// <param name="Path">The full path.</param>
/// <param name="Before">The SHA-256 of the file before, in hexadecimal digits.</param>
/// <param name="After">The SHA-256 of the changed file.</param>
/// <param name="Edits">What is changed.</param>
internal sealed record ComposeFileRecord(string Path, string Before, string After, IReadOnlyList<TextEdit> Edits)
{
    // A byte order mark is a part of the text, and stays.
    private static readonly UTF8Encoding s_encoding = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Describes a change that is not made yet.</summary>
    /// <param name="path">The full path.</param>
    /// <param name="text">The file's text.</param>
    /// <param name="edits">What is changed.</param>
    public static ComposeFileRecord Of(string path, string text, IReadOnlyList<TextEdit> edits) => new(path, Hash(text), Hash(TextEdit.Apply(text, edits)), edits);

    /// <summary>Reads a file's text; a byte order mark is a part of it.</summary>
    /// <exception cref="FormatException">It is no UTF-8.</exception>
    public static string Read(string path)
    {
        try
        {
            return s_encoding.GetString(File.ReadAllBytes(path));
        }
        catch (DecoderFallbackException exception)
        {
            throw new FormatException($"'{path}' is not encoded in UTF-8", exception);
        }
    }

    /// <summary>Changes the file; one that is changed already stays as it is.</summary>
    /// <exception cref="FormatException">Someone else has changed it: with the reason, as the rest of a sentence.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">This user must not write it.</exception>
    public void Make() => Change(Before, After, Edits);

    /// <summary>Gives the file its text before; one that has it already stays as it is.</summary>
    /// <inheritdoc cref="Make"/>
    public void Revert() => Change(After, Before, TextEdit.Reverse(Edits));

    private void Change(string from, string to, IReadOnlyList<TextEdit> edits)
    {
        string text = Read(Path);
        string now = Hash(text);
        if (now == to)
            return;
        if (now != from)
            throw new FormatException($"'{Path}' was changed since");
        Write(s_encoding.GetBytes(TextEdit.Apply(text, edits)));
    }

    // Whole or not at all, and with the mode and the owner that it has.
    private void Write(byte[] content)
    {
        string target = File.ResolveLinkTarget(Path, returnFinalTarget: true)?.FullName ?? Path;
        string part = System.IO.Path.Join(System.IO.Path.GetDirectoryName(target), $".{System.IO.Path.GetFileName(target)}.{Guid.NewGuid():N}.part");
        try
        {
            using (FileStream file = PrivateFiles.CreateNew(part))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }

            if (!OperatingSystem.IsWindows() && UnixFile.TryStat(target, out UnixFileFacts facts))
            {
                if ((facts.UserId != UnixFile.EffectiveUserId || facts.GroupId != UnixFile.EffectiveGroupId) && !UnixFile.TrySetOwner(part, facts.UserId, facts.GroupId))
                    throw new UnauthorizedAccessException($"'{Path}' belongs to another user, and cannot be replaced with its owner kept.");
                File.SetUnixFileMode(part, File.GetUnixFileMode(target));
            }

            File.Move(part, target, overwrite: true);
            DurableFiles.FlushDirectory(System.IO.Path.GetDirectoryName(target)!);
        }
        catch
        {
            File.Delete(part);
            throw;
        }
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(s_encoding.GetBytes(text)));
}
