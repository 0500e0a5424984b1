using DbBackup.Engine.Encryption;

namespace DbBackup.Tests.Fuzz.Targets.Records;

/// <summary>An age file: whatever was changed in it, it gives back the content that was sealed, or none.</summary>
internal sealed class AgeFileTarget : FuzzTarget
{
    private static readonly X25519Identity s_identity = X25519Identity.Create();
    private static readonly byte[][] s_contents = [[], "a secret key\n"u8.ToArray(), [.. Enumerable.Range(0, 70_000).Select(i => (byte)(i * 7))]];

    public override IReadOnlyList<string> Words =>
        ["age-encryption.org/v1\n", "-> X25519 ", "-> scrypt ", "-> grease ", "--- ", "\n", "-----BEGIN AGE ENCRYPTED FILE-----\n", "-----END AGE ENCRYPTED FILE-----\n", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"];

    public override IEnumerable<byte[]> Seeds()
    {
        foreach (byte[] content in s_contents)
        {
            byte[] file = AgeFile.Seal(content, [s_identity.Recipient, X25519Identity.Create().Recipient]);
            yield return file;
            if (content.Length < 100)
                yield return Utf8($"-----BEGIN AGE ENCRYPTED FILE-----\n{Convert.ToBase64String(file, Base64FormattingOptions.InsertLineBreaks).Replace("\r", string.Empty, StringComparison.Ordinal)}\n-----END AGE ENCRYPTED FILE-----\n");
        }
    }

    public override object? Run(byte[] input)
    {
        string header;
        try
        {
            AgeHeader? read = AgeHeader.Read(input, out int length);
            Require(length <= input.Length, "a header is no longer than its file");
            header = read is null ? "more" : string.Join(' ', read.Stanzas.Take(4).Select(stanza => stanza.Kind.Length > 8 ? "other" : stanza.Kind));
        }
        catch (AgeException)
        {
            header = "none";
        }

        try
        {
            byte[] content = AgeFile.Open(input, [s_identity]);
            Require(s_contents.Any(each => each.AsSpan().SequenceEqual(content)), "what opens is what was sealed");
            return $"{header}: {content.Length}";
        }
        catch (AgeException exception)
        {
            return $"{header}: {exception.GetType().Name}";
        }
    }
}

/// <summary>A file of secret keys, and one of recipients.</summary>
internal sealed class KeyFileTarget : FuzzTarget
{
    public override InputForm Form => InputForm.Text;

    public override int LongestInput => 1 << 13;

    public override IReadOnlyList<string> Words => ["AGE-SECRET-KEY-1", "age1", "ssh-ed25519 ", "# public key: ", "\r\n", "1", "Q"];

    public override IEnumerable<byte[]> Seeds()
    {
        var identity = X25519Identity.Create();
        yield return Utf8($"# created: 2026-01-01T00:00:00Z\n# public key: {identity.Recipient}\n{identity.ToSecretText()}\n");
        yield return Utf8($"{identity.Recipient}\n# another\n{X25519Identity.Create().Recipient}\n");
    }

    public override object? Run(byte[] input)
    {
        string text = Text(input);
        var results = new List<string>();
        foreach (Func<int> parse in (Func<int>[])[() => IdentityFile.Parse(text, "the text").Count, () => RecipientList.Read(text.Split('\n').Take(8), _ => "/nowhere/recipients").Count])
        {
            try
            {
                results.Add($"{Math.Min(parse(), 3)}");
            }
            catch (BackupException failure)
            {
                Require(failure.Code == ErrorCodes.KeyInvalid, "what is no key is told as such");
                Require(!failure.Message.Contains("AGE-SECRET-KEY-1", StringComparison.OrdinalIgnoreCase) || failure.Message.Contains("begins with AGE-SECRET-KEY-1", StringComparison.Ordinal), "no error shows a secret key");
                results.Add(failure.Code);
            }
        }

        return string.Join(' ', results);
    }
}
