using System.Text;
using DbBackup.Testing;

namespace DbBackup.Tests.Fuzz;

/// <summary>What a target's input looks like, and so how it is changed.</summary>
internal enum InputForm
{
    /// <summary>Any bytes.</summary>
    Bytes,

    /// <summary>Lines of text.</summary>
    Text,

    /// <summary>JSON, or lines of it.</summary>
    Json,
}

/// <summary>
/// A parser of foreign bytes. For every input it returns or throws a <see cref="BackupException"/>, in bounded time and memory; any other
/// exception is a defect, and so is a property that does not hold (<see cref="PropertyException"/>).
/// </summary>
internal abstract class FuzzTarget : IDisposable
{
    private readonly Lazy<TempFolder> _folder = new(TempFolder.InMemory);

    /// <summary>The name, which its corpus's folder has too.</summary>
    public string Name => GetType().Name[..^"Target".Length];

    /// <summary>How inputs are changed.</summary>
    public virtual InputForm Form => InputForm.Bytes;

    /// <summary>What this parser looks for, to be put into inputs.</summary>
    public virtual IReadOnlyList<string> Words => [];

    /// <summary>Bytes that one input can have a thread allocate, however small the input is.</summary>
    public virtual long Memory => 64L << 20;

    /// <summary>The longest input.</summary>
    public virtual int LongestInput => 1 << 17;

    /// <summary>A folder for this target alone.</summary>
    protected TempFolder Folder => _folder.Value;

    /// <summary>Returns valid inputs, from which the others are made.</summary>
    public abstract IEnumerable<byte[]> Seeds();

    /// <summary>Reads an input.</summary>
    /// <returns>What tells one way through the parser from another; inputs with a new one are kept and changed further.</returns>
    public abstract object? Run(byte[] input);

    /// <summary>Puts right what would end the parser at once, such as a checksum.</summary>
    public virtual byte[] Repair(byte[] input, Random random) => input;

    public void Dispose()
    {
        Close();
        if (_folder.IsValueCreated)
            _folder.Value.Dispose();
    }

    /// <summary>Frees what the target holds.</summary>
    protected virtual void Close()
    {
    }

    /// <summary>Text as bytes.</summary>
    protected static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>An input as text, as a file is read: what is no UTF-8 is replaced.</summary>
    protected static string Text(byte[] input) => Encoding.UTF8.GetString(input);

    /// <summary>Fails an input whose property does not hold.</summary>
    protected static void Require(bool holds, string property)
    {
        if (!holds)
            throw new PropertyException(property);
    }
}

/// <summary>A property that does not hold for an input.</summary>
internal sealed class PropertyException(string property) : Exception(property);
