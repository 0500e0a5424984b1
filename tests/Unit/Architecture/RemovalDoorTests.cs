using Mono.Cecil;

namespace DbBackup.Tests.Unit.Architecture;

/// <summary>Nothing but the removal door deletes the manifest of a backup that is listed, and few remove a volume.</summary>
public sealed class RemovalDoorTests
{
    private const string Engine = "DbBackup.Engine.";

    // Who deletes objects of a repository, and which.
    private static readonly Dictionary<string, string> Deleting = new()
    {
        ["Repository.BackupKeyFiles"] = "the key for earlier recipients, once the one for the new is there",
        ["Repository.BackupDraft"] = "what is not published: leftovers without a manifest, and a manifest that cannot be read back",
        ["Repository.Lease"] = "leases",
        ["Repository.Leases"] = "leases",
        ["Repository.RepositoryAccess"] = "the object with which it tried whether it may write",
        ["Repository.StoreClock"] = "the object whose date tells the store's time",
        ["Repository.Stores.ObjectStores"] = "all below a prefix, for the others",
        ["Repository.UnfinishedWrites"] = "temporary objects of dead writers",
        ["Repository.UnfinishedCopies"] = "the notes of copies that are whole, or that none goes on with",
        ["Restores.RestoreRecords"] = "records of restores",
        ["Retention.BackupHolds"] = "holds",
        ["Retention.BackupDeletion"] = "the manifest of a backup, then its files",
    };

    [Fact]
    public void Objects_of_a_repository_are_deleted_by_those_that_are_known() =>
        Assert.Equal(Deleting.Keys.Order(StringComparer.Ordinal), Callers(method => method is { Name: "DeleteAsync" or "DeleteAllAsync", DeclaringType.Name: "IObjectStore" or "ObjectStores" or "DirectoryStore" }));

    [Fact]
    public void Backups_are_deleted_by_the_removal_alone() =>
        Assert.Equal(["Retention.BackupRemoval"], Callers(method => method is { Name: ".ctor", DeclaringType.Name: "BackupDeletion" }));

    // Each knows the volume as its own by its name or its label; UpgradeRemoval removes those that the user was asked about.
    [Fact]
    public void Volumes_are_removed_by_those_that_are_known() => Assert.Equal(
        ["DbBackup.Upgrades.Deployments.MajorVersionDeployment", "DbBackup.Upgrades.Targets.ScratchServer", "DbBackup.Upgrades.Targets.ScratchVolume", "DbBackup.Upgrades.UpgradeRemoval", "Docker.Files.TemporaryContainer"],
        Callers(method => method is { Name: "VolumeDeleteAsync", DeclaringType.Name: "DockerClient" }));

    private static string[] Callers(Func<MethodReference, bool> isSought) =>
    [
        .. new[] { "DbBackup.Engine", "DbBackup.Upgrades", "DbBackup.PowerShell" }.SelectMany(CompiledCode.TypesOf).SelectMany(WithNested)
            .Where(type => type.Methods.Any(method => method.HasBody && method.Body.Instructions.Any(each => each.Operand is MethodReference called && isSought(called))))
            .Select(Outermost).Select(type => type.FullName.StartsWith(Engine, StringComparison.Ordinal) ? type.FullName[Engine.Length..] : type.FullName)
            .Distinct().Order(StringComparer.Ordinal),
    ];

    private static IEnumerable<TypeDefinition> WithNested(TypeDefinition type) => type.NestedTypes.SelectMany(WithNested).Prepend(type);

    // The state machine of an asynchronous method is a type within its class.
    private static TypeDefinition Outermost(TypeDefinition type) => type.DeclaringType is { } outer ? Outermost(outer) : type;
}
