namespace DbBackup.Engine.Repository.Signatures;

/// <summary>A backup as its objects show it, before its signature is judged beside those of its source.</summary>
/// <param name="Source">The source's name: of a backup the folder's.</param>
/// <param name="Name">The backup's name: of a backup the folder's.</param>
/// <param name="Location">Where it lies.</param>
/// <param name="Manifest">The manifest; null if it cannot be read.</param>
/// <param name="IsMisplaced">True if the manifest says that it is another backup than its place does.</param>
/// <param name="Hash">The SHA-256 of the manifest's bytes; empty for a signed one, of which it is not asked.</param>
/// <param name="Signed">Its signature; null without one.</param>
/// <param name="Problem">Why it cannot be used; null if it can.</param>
/// <param name="IsAltered">True if the problem is the manifest's hash.</param>
/// <param name="Tests">The records of its tests.</param>
/// <param name="Hold">What keeps it from being removed; null without.</param>
internal sealed record ListedBackup(
    string Source, string Name, string Location, Manifest? Manifest, bool IsMisplaced, string Hash, ManifestSignature? Signed, string? Problem, bool IsAltered, IReadOnlyList<TestRecord> Tests, BackupHold? Hold)
{
    /// <summary>The backup with what its signature is worth.</summary>
    public Backup ToBackup(string repository, BackupSignature? signature) => new(Manifest, Source, Name, repository, Location, Tests, Problem, IsAltered, Hold, signature);
}
