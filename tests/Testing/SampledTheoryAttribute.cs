using System.Reflection;
using System.Runtime.CompilerServices;
using Xunit.Sdk;
using Xunit.v3;

namespace DbBackup.Testing;

/// <summary>A theory that the usual run samples: rows of <see cref="CompleteRunDataAttribute"/> are for the complete run alone.</summary>
[XunitTestCaseDiscoverer(typeof(SampledTheoryDiscoverer))]
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SampledTheoryAttribute([CallerFilePath] string? file = null, [CallerLineNumber] int line = -1) : TheoryAttribute(file, line);

/// <summary>A row of a theory that only a complete run tries (DBBACKUP_TEST_FULL=1): other rows stand for it in the usual one.</summary>
/// <param name="data">The arguments.</param>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class CompleteRunDataAttribute(params object?[] data) : DataAttribute
{
    /// <inheritdoc/>
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) =>
        ValueTask.FromResult<IReadOnlyCollection<ITheoryDataRow>>([new TheoryDataRow(data) { Explicit = !Sampling.Complete }]);

    /// <inheritdoc/>
    public override bool SupportsDiscoveryEnumeration() => true;
}

// An attribute without rows is an error, and a row that is not to be run would be reported as skipped.
internal sealed class SampledTheoryDiscoverer : TheoryDiscoverer
{
    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyCollection<IXunitTestCase>> Discover(ITestFrameworkDiscoveryOptions discoveryOptions, IXunitTestMethod testMethod, IFactAttribute factAttribute) =>
        [.. (await base.Discover(discoveryOptions, testMethod, factAttribute)).Where(testCase => !testCase.Explicit)];
}
