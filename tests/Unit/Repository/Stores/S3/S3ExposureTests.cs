using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Repository.Stores.S3;
using DbBackup.Engine.Verification;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Repository.Stores.S3;

/// <summary>Test-DbBackupRepository asks a bucket who else reads it, and raises no alarm over what is not told.</summary>
public sealed class S3ExposureTests : IDisposable
{
    private const string Private = "<AccessControlPolicy><Owner><ID>me</ID></Owner><AccessControlList><Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"><ID>me</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>";
    private const string Block = "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>";
    private static readonly string s_public = Private.Replace("</AccessControlList>", "<Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"Group\"><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>READ</Permission></Grant></AccessControlList>", StringComparison.Ordinal);
    private readonly S3Double _server = new();

    public void Dispose() => _server.Dispose();

    [Fact]
    public async Task AServerThatTellsNothingOfItsBucketRaisesNoAlarmAndIsSaidToBeUnchecked()
    {
        // It lists the bucket, whatever is asked.
        Assert.Equal((0, 2), await ExposureAsync());
        (IReadOnlyList<RepositoryFinding> findings, List<string> said) = await CheckAsync();
        Assert.Empty(findings);
        Assert.Contains(said, line => line.Contains("Not checked", StringComparison.Ordinal) && line.Contains("its policy, its access list", StringComparison.Ordinal));
        // As one whose login is not allowed to ask.
        _server.Faults = (method, path) => path.Contains("acl", StringComparison.Ordinal) || path.Contains("policyStatus", StringComparison.Ordinal) ? S3Double.Fault.Of(403, "AccessDenied") : null;
        Assert.Equal((0, 2), await ExposureAsync());
    }

    [Fact]
    public async Task APublicPolicyAndGrantsToEverybodyAreFoundUnlessPublicAccessIsBlocked()
    {
        _server.OfBucket["acl"] = Private;
        _server.OfBucket["policyStatus"] = "NoSuchBucketPolicy";
        Assert.Equal((0, 0), await ExposureAsync());
        _server.OfBucket["policyStatus"] = "<PolicyStatus><IsPublic>TRUE</IsPublic></PolicyStatus>";
        _server.OfBucket["acl"] = s_public;
        (IReadOnlyList<RepositoryFinding> findings, _) = await CheckAsync();
        Assert.Equal(2, findings.Count);
        Assert.All(findings, finding => Assert.Equal((RepositoryFindingKind.NotPrivate, BackupHealth.Critical), (finding.Kind, finding.Severity)));
        Assert.Contains(findings, finding => finding.Message.Contains("grants READ to everybody", StringComparison.Ordinal));
        Assert.Contains(findings, finding => finding.Message.Contains("policy makes it public", StringComparison.Ordinal));
        _server.OfBucket["publicAccessBlock"] = Block;
        Assert.Equal((0, 0), await ExposureAsync());
    }

    private async Task<(int Problems, int NotChecked)> ExposureAsync()
    {
        StoreExposure exposure = await new S3Store(_server.Address()).FindExposureAsync(CancellationToken.None);
        return (exposure.Problems.Count, exposure.NotChecked.Count);
    }

    private async Task<(IReadOnlyList<RepositoryFinding> Findings, List<string> Said)> CheckAsync()
    {
        using var bench = new Workbench(store: new S3Store(_server.Address()));
        await bench.BackUpAsync(SampleDatabase.Create(bench["app.db"]));
        var said = new List<string>();
        bench.Observer.At = said.Add;
        return (await new RepositoryCheck(bench.Repository).RunAsync(deep: false, bench.Observer, CancellationToken.None), said);
    }
}
