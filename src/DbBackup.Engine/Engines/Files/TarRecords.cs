using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Files;

/// <summary>What extended headers say of an entry.</summary>
internal sealed class TarRecords
{
    private readonly HashSet<string> _fromText = new(StringComparer.Ordinal);
    private List<ExtendedAttribute>? _attributes;

    /// <summary>What replaces a field of the plain header.</summary>
    public Dictionary<string, string> Texts { get; } = new(StringComparer.Ordinal);

    /// <summary>The extended attributes that are kept.</summary>
    public IReadOnlyList<ExtendedAttribute> Attributes => _attributes is null ? [] : _attributes;

    /// <summary>Adds an extended attribute.</summary>
    public void Add(string name, ReadOnlySpan<byte> value)
    {
        // GNU tar writes ACLs in both forms. The text is the one that it reads, and that names accounts.
        if (ExtendedAttributes.IsKept(name) && !_fromText.Contains(name))
            Put(new ExtendedAttribute(name, value.ToArray()));
    }

    /// <summary>Adds an ACL in the form of a text. One that names an account that this system lacks is left to the other form, if there is one.</summary>
    public void AddAcl(string name, string text)
    {
        if (!PosixAcl.TryParse(text, out byte[]? acl))
            return;
        _fromText.Add(name);
        Put(new ExtendedAttribute(name, acl));
    }

    private void Put(in ExtendedAttribute attribute)
    {
        string name = attribute.Name;
        _attributes ??= [];
        _attributes.RemoveAll(each => each.Name == name);
        _attributes.Add(attribute);
    }
}
