using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Backups;

/// <summary>Facts and payload of a capture share a session or a program: the end of one must not make the other's failure the one to report.</summary>
public sealed class CancelledCaptureTests : IDisposable
{
    private static readonly BackupFailure s_closed = new(ErrorCodes.ServerUnreachable, FailureCategory.Busy, "The server does not answer.", "Check it.");
    private static readonly BackupFailure s_wrong = new(ErrorCodes.DumpIncomplete, FailureCategory.InvalidData, "A table is missing.", "Look.");
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_cancelled_backup_is_cancelled_although_its_session_was_closed_under_it(bool mayBeLeftOut)
    {
        using var cancel = new CancellationTokenSource();
        var source = new TwoPartSource(
            async closed =>
            {
                await cancel.CancelAsync();
                closed.SetResult();
            },
            cancel.Token);
        var left = new List<BackupException>();
        var request = new BackupRequest { Sources = mayBeLeftOut ? [new TwoPartSource(null), source] : [source], LeaveOut = left.Add };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new BackupService(_bench.Repository).CreateAsync(request, _bench.Observer, cancel.Token));
        Assert.Empty(left);
        Assert.Empty(await _bench.ListAsync());
    }

    [Fact]
    public async Task What_failed_first_is_told_and_not_the_session_that_was_closed_for_it()
    {
        var source = new TwoPartSource(closed =>
        {
            closed.SetResult();
            throw s_wrong;
        });
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.BackUpAsync(source));
        Assert.Equal(s_wrong.Code, failure.Code);
    }

    /// <summary>A source whose facts end first, and whose payload then fails without having heard why.</summary>
    private sealed class TwoPartSource(Func<TaskCompletionSource, Task>? facts, CancellationToken cancelled = default) : IBackupSource
    {
        public string Engine => "Toy";

        public string DefaultName => "toy";

        public string Location => "toy://here";

        public Task<SourcePreview> InspectAsync(CancellationToken cancellationToken) => Task.FromResult(new SourcePreview(1, 1));

        public Task<Capture> CaptureAsync(CaptureContext context, CancellationToken cancellationToken)
        {
            var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var writing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return Task.FromResult(new Capture
            {
                Taken = context.Clock.GetUtcNow(),
                Payloads =
                [
                    new CapturedPayload
                    {
                        FileName = "toy.txt",
                        Kind = PayloadKind.Database,
                        Format = "ToyText",
                        RestoreName = "toy.txt",
                        OriginalPath = Location,
                        WriteTo = async (target, _, _) =>
                        {
                            await target.WriteAsync("toy"u8.ToArray(), CancellationToken.None);
                            if (facts is not null)
                            {
                                writing.SetResult();
                                await closed.Task;
                                throw s_closed;
                            }

                            return new StreamSummary(null, []);
                        },
                        CollectFacts = async _ =>
                        {
                            if (facts is not null)
                            {
                                await writing.Task;
                                await facts(closed);
                            }

                            cancelled.ThrowIfCancellationRequested();
                            return new CaptureFacts(null, null);
                        },
                    },
                ],
            });
        }
    }
}
