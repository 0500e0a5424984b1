using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace DbBackup.Engine.Platform;

/// <summary>
/// POSIX ACLs in their two forms: the kernel's, which is the value of an extended attribute, and the text that archives hold
/// (<c>user::rw-</c>, <c>user:1000:r--</c>, …).
/// </summary>
internal static class PosixAcl
{
    private const uint Version = 2;
    private const uint NoId = uint.MaxValue;
    private const int EntryBytes = 8;
    private static readonly Lock s_accounts = new();

    private enum Tag : ushort
    {
        Owner = 1,
        User = 2,
        OwnGroup = 4,
        Group = 8,
        Mask = 0x10,
        Other = 0x20,
    }

    /// <summary>The text, with numbers for users and groups, a line each.</summary>
    /// <returns>Null for what is no ACL.</returns>
    public static string? ToText(ReadOnlySpan<byte> acl)
    {
        if (acl.Length < 4 || (acl.Length - 4) % EntryBytes != 0 || BinaryPrimitives.ReadUInt32LittleEndian(acl) != Version)
            return null;
        var text = new StringBuilder();
        for (acl = acl[4..]; !acl.IsEmpty; acl = acl[EntryBytes..])
        {
            int rights = BinaryPrimitives.ReadUInt16LittleEndian(acl[2..]);
            uint id = BinaryPrimitives.ReadUInt32LittleEndian(acl[4..]);
            string? who = (Tag)BinaryPrimitives.ReadUInt16LittleEndian(acl) switch
            {
                Tag.Owner => "user:",
                Tag.User => string.Create(CultureInfo.InvariantCulture, $"user:{id}"),
                Tag.OwnGroup => "group:",
                Tag.Group => string.Create(CultureInfo.InvariantCulture, $"group:{id}"),
                Tag.Mask => "mask:",
                Tag.Other => "other:",
                _ => null,
            };
            if (who is null)
                return null;
            text.Append(who).Append(':').Append((rights & 4) != 0 ? 'r' : '-').Append((rights & 2) != 0 ? 'w' : '-').Append((rights & 1) != 0 ? 'x' : '-').Append('\n');
        }

        return text.ToString();
    }

    /// <summary>
    /// Reads a text as GNU tar, star and bsdtar write it: entries on lines or between commas, names or numbers, star's with the number behind.
    /// A name is looked up here.
    /// </summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out byte[]? acl)
    {
        acl = null;
        var entries = new List<(Tag Tag, uint Id, int Rights)>();
        foreach (string line in text.Split(['\n', ','], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            int comment = line.IndexOf('#', StringComparison.Ordinal);
            string entry = (comment < 0 ? line : line[..comment]).Trim();
            if (entry.Length == 0)
                continue;
            if (!TryParseEntry(entry.Split(':'), out (Tag, uint, int) parsed))
                return false;
            entries.Add(parsed);
        }

        if (entries.Count == 0)
            return false;
        acl = new byte[4 + (entries.Count * EntryBytes)];
        BinaryPrimitives.WriteUInt32LittleEndian(acl, Version);
        Span<byte> rest = acl.AsSpan(4);
        // The kernel takes them in this order only.
        foreach ((Tag tag, uint id, int rights) in entries.OrderBy(entry => entry.Tag).ThenBy(entry => entry.Id))
        {
            BinaryPrimitives.WriteUInt16LittleEndian(rest, (ushort)tag);
            BinaryPrimitives.WriteUInt16LittleEndian(rest[2..], (ushort)rights);
            BinaryPrimitives.WriteUInt32LittleEndian(rest[4..], id);
            rest = rest[EntryBytes..];
        }

        return true;
    }

    /// <summary>
    /// The mode for a file that cannot get its ACL. The group's bits of a file with an ACL are the ACL's mask: without it they would give the
    /// group what only others were given.
    /// </summary>
    public static UnixFileMode ModeWithout(ReadOnlySpan<byte> acl, UnixFileMode mode)
    {
        int group = 7, mask = 7;
        for (acl = acl.Length < 4 ? [] : acl[4..]; acl.Length >= EntryBytes; acl = acl[EntryBytes..])
        {
            int rights = BinaryPrimitives.ReadUInt16LittleEndian(acl[2..]);
            var tag = (Tag)BinaryPrimitives.ReadUInt16LittleEndian(acl);
            group = tag == Tag.OwnGroup ? rights : group;
            mask = tag == Tag.Mask ? rights : mask;
        }

        return mode & ~(UnixFileMode)(7 << 3) | (mode & (UnixFileMode)((group & mask & 7) << 3));
    }

    private static bool TryParseEntry(string[] fields, out (Tag Tag, uint Id, int Rights) entry)
    {
        entry = default;
        // Some leave out the empty name of a mask and of the others: "mask::r--" and "mask:r--".
        if (fields is [("mask" or "m" or "other" or "o") and var kind, { Length: 3 } only])
            fields = [kind, string.Empty, only];
        if (fields is not [var type, var name, { Length: >= 3 } rights, ..])
            return false;
        int bits = 0;
        foreach (char right in rights)
            bits |= right switch { 'r' => 4, 'w' => 2, 'x' => 1, '-' => 0, _ => 8 };
        if (bits > 7)
            return false;
        Tag? tag = (type, name.Length > 0) switch
        {
            ("user" or "u", false) => Tag.Owner,
            ("user" or "u", true) => Tag.User,
            ("group" or "g", false) => Tag.OwnGroup,
            ("group" or "g", true) => Tag.Group,
            ("mask" or "m", false) => Tag.Mask,
            ("other" or "o", false) => Tag.Other,
            _ => null,
        };
        if (tag is not { } known)
            return false;
        uint id = NoId;
        bool isNamed = known is Tag.User or Tag.Group;
        entry = (known, id, bits);
        if (isNamed && !TryNumber(name, out id) && !(fields.Length > 3 && TryNumber(fields[3], out id)) && !TryFind(name, known, out id))
            return false;
        entry.Id = id;
        return true;
    }

    private static bool TryNumber(string text, out uint id) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out id);

    private static unsafe bool TryFind(string name, Tag tag, out uint id)
    {
        id = NoId;
        if (!OperatingSystem.IsLinux())
            return false;
        lock (s_accounts)
        {
            LibC.Account* account = tag == Tag.User ? LibC.Getpwnam(name) : LibC.Getgrnam(name);
            if (account is null)
                return false;
            id = account->Id;
            return true;
        }
    }
}
