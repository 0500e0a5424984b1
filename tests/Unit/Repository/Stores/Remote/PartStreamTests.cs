using System.Collections.Concurrent;
using DbBackup.Engine.Repository.Stores.Remote;

namespace DbBackup.Tests.Unit.Repository.Stores.Remote;

public sealed class PartStreamTests
{
    private static readonly PartSizes Small = new(First: 1000, Budget: 3000);

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(1000, 1)]
    [InlineData(1001, 2)]
    [InlineData(12_345, 13)]
    public async Task All_bytes_arrive_in_parts_and_the_last_is_marked(int length, int expected)
    {
        byte[] content = new byte[length];
        new Random(1).NextBytes(content);
        var parts = new ConcurrentDictionary<int, (byte[] Content, bool IsLast)>();
        await using var stream = new PartStream(Small, (part, _) =>
        {
            parts[part.Number] = (part.Content.ToArray(), part.IsLast);
            return Task.CompletedTask;
        }, CancellationToken.None);
        for (int at = 0; at < length; at += 700)
            await stream.WriteAsync(content.AsMemory(at, Math.Min(700, length - at)));

        Assert.Equal(expected, await stream.FinishAsync());
        Assert.Equal(content, parts.OrderBy(part => part.Key).SelectMany(part => part.Value.Content));
        Assert.Equal(Enumerable.Range(1, expected), parts.Keys.Order());
        Assert.Equal([expected], parts.Where(part => part.Value.IsLast).Select(part => part.Key));
        Assert.Equal(length, stream.Written);
    }

    [Fact]
    public async Task Parts_are_uploaded_beside_each_other_and_no_more_than_the_budget_allows()
    {
        int now = 0, most = 0;
        await using var stream = new PartStream(Small, async (_, token) =>
        {
            int count = Interlocked.Increment(ref now);
            InterlockedMax(ref most, count);
            await Task.Delay(30, token);
            Interlocked.Decrement(ref now);
        }, CancellationToken.None);
        await stream.WriteAsync(new byte[20_000]);
        await stream.FinishAsync();

        Assert.Equal(3, most);
    }

    [Fact]
    public async Task A_failure_stops_the_others_and_is_thrown_by_the_writing()
    {
        int stopped = 0;
        await using var stream = new PartStream(Small, async (part, token) =>
        {
            if (part.Number == 2)
                throw new InvalidOperationException("part 2");
            try
            {
                await Task.Delay(TimeSpan.FromMinutes(5), token);
            }
            catch (OperationCanceledException)
            {
                Interlocked.Increment(ref stopped);
                throw;
            }
        }, CancellationToken.None);

        InvalidOperationException failure = await Assert.ThrowsAsync<InvalidOperationException>(() => stream.WriteAsync(new byte[50_000]).AsTask());
        Assert.Equal("part 2", failure.Message);
        Assert.InRange(stopped, 1, 3);
    }

    [Fact]
    public async Task A_cancelled_upload_ends_at_once()
    {
        using var stop = new CancellationTokenSource(100);
        await using var stream = new PartStream(Small, (_, token) => Task.Delay(TimeSpan.FromMinutes(5), token), stop.Token);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stream.WriteAsync(new byte[50_000]).AsTask()).WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void Ten_thousand_parts_hold_what_a_large_server_needs_in_bounded_memory()
    {
        var sizes = new PartSizes();
        Assert.InRange(Enumerable.Range(1, 10_000).Sum(number => (long)sizes.SizeOf(number)), 450L << 30, 500L << 30);
        Assert.All(Enumerable.Range(1, 10_000), number => Assert.InRange((sizes.AtOnce(number) + 1L) * sizes.SizeOf(number), 1, 130L << 20));
    }

    private static void InterlockedMax(ref int target, int value)
    {
        for (int seen = target; seen < value; seen = target)
            Interlocked.CompareExchange(ref target, value, seen);
    }
}
