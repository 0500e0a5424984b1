using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Xunit.Sdk;
using Xunit.v3;

namespace DbBackup.Testing.Pester;

/// <summary>Names the Pester file that a class stands for, relative to its project's folder.</summary>
/// <param name="name">The file's name.</param>
[AttributeUsage(AttributeTargets.Class)]
public sealed class PesterFileAttribute(string name) : Attribute
{
    /// <summary>The file's name.</summary>
    public string Name { get; } = name;

    /// <summary>Where its backups go.</summary>
    public PesterWorld World { get; init; }
}

/// <summary>Where the backups of a Pester file go. The file is the same: <c>common.ps1</c> knows the world.</summary>
public enum PesterWorld
{
    /// <summary>Folders, in plain form.</summary>
    Local,

    /// <summary>A bucket of an S3 server, encrypted to a key whose file <c>$env:DBBACKUP_IDENTITY</c> names.</summary>
    EncryptedS3,
}

/// <summary>Gives a row for each <c>It</c> of the class's Pester file, and a last one for the file itself.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed partial class PesterDataAttribute : DataAttribute
{
    /// <summary>The row of the file itself.</summary>
    internal const int WholeFile = 0;

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker)
    {
        string file = PesterRun.PathOf(testMethod.ReflectedType!);
        string name = Path.GetFileName(file).Replace(".Tests.ps1", string.Empty, StringComparison.Ordinal);
        var rows = new List<ITheoryDataRow>();
        foreach ((int line, string test) in ItsOf(file))
            rows.Add(new TheoryDataRow<int>(line) { TestDisplayName = $"{name}: {test}", Label = string.Empty });
        rows.Add(new TheoryDataRow<int>(WholeFile) { TestDisplayName = $"{name}: the file is read and cleans up, and each of its tests is known", Label = string.Empty });
        return new(rows);
    }

    /// <inheritdoc/>
    public override bool SupportsDiscoveryEnumeration() => true;

    /// <summary>The lines on which tests begin, with their names as they are written. Found without a shell, which takes seconds to start.</summary>
    internal static IReadOnlyList<(int Line, string Name)> ItsOf(string file)
    {
        var its = new List<(int, string)>();
        int number = 0;
        foreach (string line in File.ReadLines(file))
        {
            number++;
            if (It().Match(line) is { Success: true } found)
                its.Add((number, found.Groups["name"].Value.Replace("''", "'", StringComparison.Ordinal)));
        }

        return its.Count > 0 ? its : throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"{file} has no tests."));
    }

    [GeneratedRegex(@"^\s*It\s+'(?<name>(?:[^']|'')+)'")]
    private static partial Regex It();
}
