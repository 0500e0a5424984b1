using DbBackup.Engine.Repository.Stores;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Repository.Stores;

public sealed class MemoryBucketTests : ObjectStoreContract
{
    internal override IObjectStore Store { get; } = new MemoryBucket();
}
