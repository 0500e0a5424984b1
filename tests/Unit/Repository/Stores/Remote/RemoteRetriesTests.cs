using System.Net.Sockets;
using System.Security.Authentication;
using DbBackup.Engine.Repository.Stores.Remote;

namespace DbBackup.Tests.Unit.Repository.Stores.Remote;

public sealed class RemoteRetriesTests
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task What_fails_for_a_moment_succeeds_and_attempts_are_counted()
    {
        var attempts = new List<int>();
        int result = await Retries().RunAsync(Long, (attempt, _) =>
        {
            attempts.Add(attempt);
            return attempt < 3 ? throw new IOException() : Task.FromResult(7);
        }, CancellationToken.None);

        Assert.Equal(7, result);
        Assert.Equal([0, 1, 2, 3], attempts);
    }

    [Fact]
    public async Task What_stays_is_not_repeated()
    {
        int attempts = 0;
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => Retries().RunAsync(Long, (_, _) =>
        {
            attempts++;
            throw new UnauthorizedAccessException();
        }, CancellationToken.None));

        Assert.Equal(1, attempts);
    }

    [Fact]
    public async Task Patience_ends()
    {
        long begun = Environment.TickCount64;
        await Assert.ThrowsAsync<IOException>(() => Retries(TimeSpan.FromSeconds(1.5)).RunAsync(Long, (_, _) => throw new IOException(), CancellationToken.None));

        Assert.InRange(Environment.TickCount64 - begun, 1400, 15_000);
    }

    [Fact]
    public async Task A_silent_attempt_is_given_up_and_repeated()
    {
        int result = await Retries().RunAsync(TimeSpan.FromMilliseconds(100), async (attempt, token) =>
        {
            if (attempt == 0)
                await Task.Delay(Timeout.Infinite, token);
            return attempt;
        }, CancellationToken.None);

        Assert.Equal(1, result);
    }

    [Fact]
    public async Task Cancelling_ends_the_wait_at_once()
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        long begun = Environment.TickCount64;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Retries().RunAsync(Long, (_, _) => throw new IOException(), stop.Token));

        Assert.InRange(Environment.TickCount64 - begun, 500, 8000);
    }

    [Fact]
    public void A_minute_of_503_is_within_the_usual_patience() => Assert.True(RemoteRetries.UsualPatience > TimeSpan.FromMinutes(2));

    [Fact]
    public void Every_problem_has_its_own_code_and_a_hint()
    {
        BackupFailure[] failures = [.. Enum.GetValues<RemoteProblem>().Select(problem => RemoteFailures.From(problem, "s3://bucket/x", writes: true, "writing 'a/b'", "Server says no."))];
        Assert.All(failures, failure => Assert.Contains("Server says no", failure.Message, StringComparison.Ordinal));
        Assert.All(failures, failure => Assert.NotEmpty(failure.Hint));
        Assert.Equal(
            [ErrorCodes.RepositoryNotFound, ErrorCodes.RepositoryNotWritable, ErrorCodes.AuthenticationFailed, ErrorCodes.NotEnoughSpace, ErrorCodes.ObjectLocked, ErrorCodes.ServerUnreachable, ErrorCodes.ServerUnreachable, ErrorCodes.WriteFailed],
            failures.Select(failure => failure.Code));
        Assert.Equal(ErrorCodes.PermissionDenied, RemoteFailures.From(RemoteProblem.AccessDenied, "s3://b", writes: false, "listing", "no").Code);
    }

    [Fact]
    public void Failures_of_the_network_are_known_by_what_caused_them()
    {
        Assert.Equal(RemoteProblem.Unreachable, RemoteFailures.OfNetwork(new InvalidOperationException("x", new SocketException(111))));
        Assert.Equal(RemoteProblem.Untrusted, RemoteFailures.OfNetwork(new HttpRequestException("x", new AuthenticationException("the certificate has expired"))));
        Assert.Null(RemoteFailures.OfNetwork(new InvalidOperationException()));
    }

    private static RemoteRetries Retries(TimeSpan? patience = null) => new(failure => failure is IOException, patience ?? TimeSpan.FromSeconds(30));
}
