using System.IO.Enumeration;
using System.Security.Cryptography;
using System.Text;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Repository.Stores.Sftp;

/// <summary>What the user's files of known hosts say about a host key.</summary>
internal enum HostTrust
{
    /// <summary>The key is the one that was remembered.</summary>
    Known,

    /// <summary>No line names the host.</summary>
    Unknown,

    /// <summary>The host is known with other keys.</summary>
    Changed,

    /// <summary>A line marks the key as revoked.</summary>
    Revoked,
}

/// <summary>
/// The host keys that the user trusts, as OpenSSH keeps them (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): names, patterns, hashed names, and the
/// marker <c>@revoked</c>. Lines of certificate authorities are skipped: a host with nothing else is unknown.
/// </summary>
internal sealed class KnownHosts
{
    // More is no file of known hosts.
    private const int LargestFile = 16 << 20;

    private readonly List<Line> _lines = [];

    private KnownHosts(string path) => Path = path;

    private sealed record Line(string[] Names, string Type, byte[] Key, bool IsRevoked);

    /// <summary>The file that the user's own program writes to.</summary>
    public string Path { get; }

    /// <summary>Reads the files of this user and of this machine, or the one that is named.</summary>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">This user is not allowed to read a file.</exception>
    public static KnownHosts Read(string? path)
    {
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        string own = path ?? System.IO.Path.Join(home, ".ssh", "known_hosts");
        var hosts = new KnownHosts(own);
        string[] files = path is not null ? [path] : [own, own + "2", "/etc/ssh/ssh_known_hosts"];
        foreach (string file in files.Where(File.Exists))
        {
            using FileStream content = RegularFile.Open(file);
            if (content.Length > LargestFile)
                throw new IOException($"'{file}' has {ByteSize.Format(content.Length)}, which is no file of known hosts.");
            using var reader = new StreamReader(content);
            while (reader.ReadLine() is { } line)
                hosts.Add(line);
        }

        return hosts;
    }

    /// <summary>The types of the keys that a host is known by, as in <c>ssh-ed25519</c>.</summary>
    public IReadOnlyList<string> TypesOf(string host, int port) => [.. Of(host, port).Where(line => !line.IsRevoked).Select(line => line.Type).Distinct()];

    /// <summary>Tells whether a key is the host's.</summary>
    /// <param name="host">The name or address that is connected to.</param>
    /// <param name="port">Its port.</param>
    /// <param name="key">The key, in the form of the protocol.</param>
    public HostTrust Check(string host, int port, byte[] key)
    {
        Line[] lines = [.. Of(host, port)];
        if (lines.Any(line => line.IsRevoked && line.Key.AsSpan().SequenceEqual(key)))
            return HostTrust.Revoked;
        Line[] trusted = [.. lines.Where(line => !line.IsRevoked)];
        return trusted.Length == 0 ? HostTrust.Unknown : trusted.Any(line => line.Key.AsSpan().SequenceEqual(key)) ? HostTrust.Known : HostTrust.Changed;
    }

    /// <summary>The name of a host in these files.</summary>
    public static string NameOf(string host, int port) => port == SshServer.UsualPort ? host : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"[{host}]:{port}");

    private IEnumerable<Line> Of(string host, int port)
    {
        string name = NameOf(host, port).ToLowerInvariant();
        return _lines.Where(line => Fits(line.Names, name));
    }

    private void Add(string text)
    {
        string[] fields = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length == 0 || fields[0][0] == '#')
            return;
        bool isRevoked = fields[0] == "@revoked";
        if (fields[0][0] == '@' && !isRevoked)
            return;
        fields = isRevoked ? fields[1..] : fields;
        if (fields.Length < 3)
            return;
        byte[] key = new byte[fields[2].Length];
        // What is no key trusts nothing: as the program does, the line is passed over.
        if (Convert.TryFromBase64String(fields[2], key, out int length))
            _lines.Add(new Line(fields[0].Split(',', StringSplitOptions.RemoveEmptyEntries), fields[1], key[..length], isRevoked));
    }

    private static bool Fits(string[] names, string host)
    {
        bool fits = false;
        foreach (string name in names)
        {
            if (name.StartsWith("|1|", StringComparison.Ordinal))
                fits |= IsHashOf(name, host);
            else if (name[0] == '!' && Matches(name[1..], host))
                return false;
            else
                fits |= Matches(name, host);
        }

        return fits;
    }

    // The brackets around a host with a port are no set of characters, and the class below knows none.
    private static bool Matches(string pattern, string host) => FileSystemName.MatchesSimpleExpression(pattern.ToLowerInvariant(), host, ignoreCase: false);

    // |1|salt|HMAC-SHA1 of the name, which OpenSSH writes with HashKnownHosts (Debian's default).
    private static bool IsHashOf(string hashed, string host)
    {
        string[] parts = hashed.Split('|');
        byte[] salt = new byte[hashed.Length];
        byte[] expected = new byte[hashed.Length];
        if (parts.Length != 4 || !Convert.TryFromBase64String(parts[2], salt, out int saltLength) || !Convert.TryFromBase64String(parts[3], expected, out int expectedLength))
            return false;
#pragma warning disable CA5350 // The format is OpenSSH's; it hides names, and protects no key.
        byte[] actual = HMACSHA1.HashData(salt.AsSpan(0, saltLength), Encoding.UTF8.GetBytes(host));
#pragma warning restore CA5350
        return actual.AsSpan().SequenceEqual(expected.AsSpan(0, expectedLength));
    }
}
