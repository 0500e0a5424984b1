namespace DbBackup.Tests.Fuzz;

/// <summary>Tar, zstd, gzip, SQLite files: what payloads and imported files are made of.</summary>
[Trait("Category", "Fuzz")]
public sealed class ArchiveFuzzTests
{
    public static TheoryData<string> Targets => FuzzTargets.In("Archives");

    [Theory]
    [MemberData(nameof(Targets))]
    public void Foreign_bytes_are_read_or_refused(string target) => FuzzRun.Of(target);
}

/// <summary>Dumps and what describes them.</summary>
[Trait("Category", "Fuzz")]
public sealed class DumpFuzzTests
{
    public static TheoryData<string> Targets => FuzzTargets.In("Dumps");

    [Theory]
    [MemberData(nameof(Targets))]
    public void Foreign_bytes_are_read_or_refused(string target) => FuzzRun.Of(target);
}

/// <summary>Connection strings, locations, names: text that a user or a manifest gives.</summary>
[Trait("Category", "Fuzz")]
public sealed class AddressFuzzTests
{
    public static TheoryData<string> Targets => FuzzTargets.In("Addresses");

    [Theory]
    [MemberData(nameof(Targets))]
    public void Foreign_bytes_are_read_or_refused(string target) => FuzzRun.Of(target);
}

/// <summary>Manifests, leases, journals and records: what lies in repositories and beside databases.</summary>
[Trait("Category", "Fuzz")]
public sealed class RecordFuzzTests
{
    public static TheoryData<string> Targets => FuzzTargets.In("Records");

    [Theory]
    [MemberData(nameof(Targets))]
    public void Foreign_bytes_are_read_or_refused(string target) => FuzzRun.Of(target);
}
