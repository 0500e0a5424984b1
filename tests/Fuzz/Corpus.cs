using System.Reflection;
using System.Security.Cryptography;

namespace DbBackup.Tests.Fuzz;

/// <summary>
/// Inputs that were findings once, a file each in <c>tests/Fuzz/corpus/TARGET</c>. They are replayed in every run, and new findings are put
/// there, to be committed with what they led to.
/// </summary>
internal static class Corpus
{
    private static readonly string s_folder = Path.Join(
        typeof(Corpus).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(attribute => attribute.Key == "RepositoryRoot").Value, "tests", "Fuzz", "corpus");

    /// <summary>The inputs of a target.</summary>
    public static IReadOnlyList<byte[]> Of(string target)
    {
        string folder = Path.Join(s_folder, target);
        return Directory.Exists(folder) ? [.. Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)] : [];
    }

    /// <summary>Adds an input, where the sources may be written.</summary>
    public static string? TryAdd(string target, byte[] input)
    {
        string path = Path.Join(s_folder, target, Convert.ToHexStringLower(SHA256.HashData(input))[..16]);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, input);
            return path;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
