using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace DbBackup.Engine.Repository.Stores.Remote;

/// <summary>
/// Puts an object if its key is free, in a store that cannot do so by itself but lists what was put before. Each writer puts a claim under a name of
/// its own and looks: only one that sees no other claim, and then no object, puts the object, and removes its claim after it. Of two
/// writers at least one sees the other, since each puts before it looks.
/// </summary>
/// <param name="exists">Tells if an object is there.</param>
/// <param name="put">Puts an object, with bounded retries.</param>
/// <param name="list">Lists the objects below a prefix: all that were put before the call.</param>
/// <param name="delete">Deletes an object.</param>
internal sealed class PutByClaims(
    Func<string, CancellationToken, Task<bool>> exists,
    Func<string, ReadOnlyMemory<byte>, CancellationToken, Task> put,
    Func<string, CancellationToken, Task<IReadOnlyList<StoredObject>>> list,
    Func<string, CancellationToken, Task> delete)
{
    /// <summary>The folder of the claims.</summary>
    public const string Folder = RepositoryKeys.Work + "claims/";

    // A writer puts its object within the first; its claim counts, by the store's own clock, for the second.
    private static readonly TimeSpan s_putTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_deadAfter = TimeSpan.FromMinutes(4);

    // A writer that was killed leaves its claim, and who comes after it waits until that no longer counts.
    private static readonly TimeSpan s_patience = s_deadAfter + s_putTimeout;

    // Living writers withdraw at once for the lowest one: whoever has not by then is dead, or the store slow.
    private const int LooksOfLowest = 50;

    // The writers of this process need no store to know of each other.
    private static readonly SemaphoreSlim[] s_stripes = [.. Enumerable.Range(0, 64).Select(_ => new SemaphoreSlim(1, 1))];

    /// <summary>False for writers that are to know of each other by the store alone, as on different machines.</summary>
    public bool KnowsItsProcess { get; init; } = true;

    /// <summary>Puts an object, unless its key is taken.</summary>
    /// <exception cref="TimeoutException">Others claimed the key all the time, or the store was too slow for the claim to count.</exception>
    public async Task<bool> PutAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(key));
        SemaphoreSlim stripe = !KnowsItsProcess ? new SemaphoreSlim(1, 1) : s_stripes[hash[0] % s_stripes.Length];
        await stripe.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await PutAsync(key, $"{Folder}{Convert.ToHexStringLower(hash)[..32]}/", content, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            stripe.Release();
        }
    }

    private async Task<bool> PutAsync(string key, string folder, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var waiting = Stopwatch.StartNew();
        while (waiting.Elapsed < s_patience)
        {
            if (await exists(key, cancellationToken).ConfigureAwait(false))
                return false;
            if (await TryAsync(key, folder, content, cancellationToken).ConfigureAwait(false) is { } isPut)
                return isPut;
            await Task.Delay(Random.Shared.Next(50, 400), cancellationToken).ConfigureAwait(false);
        }

        throw new TimeoutException($"other writers claim '{key}' all the time");
    }

    // Null if another writer has to come first.
    private async Task<bool?> TryAsync(string key, string folder, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        string claim = $"{folder}{Guid.NewGuid():N}";
        using var expiry = new CancellationTokenSource(s_putTimeout);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(expiry.Token, cancellationToken);
        try
        {
            await put(claim, Encoding.UTF8.GetBytes(key), either.Token).ConfigureAwait(false);
            if (!await IsAloneAsync(folder, claim, either.Token).ConfigureAwait(false))
                return null;
            if (await exists(key, either.Token).ConfigureAwait(false))
                return false;
            await put(key, content, either.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"'{key}' could not be put within the {s_putTimeout.TotalSeconds:0} seconds for which its claim counts", exception);
        }
        finally
        {
            await WithdrawAsync(claim).ConfigureAwait(false);
        }
    }

    private async Task<bool> IsAloneAsync(string folder, string claim, CancellationToken cancellationToken)
    {
        for (int look = 0; look < LooksOfLowest; look++)
        {
            IReadOnlyList<StoredObject> claims = await list(folder, cancellationToken).ConfigureAwait(false);
            // Gone, or not listed: then this store does not list what was put before, and nothing can be decided.
            StoredObject own = claims.FirstOrDefault(each => each.Key == claim) ?? throw new TimeoutException("the store does not list what was put just before");
            StoredObject[] others = [.. claims.Where(each => each.Key != claim && own.Modified - each.Modified < s_deadAfter)];
            foreach (StoredObject dead in claims.Where(each => own.Modified - each.Modified >= s_deadAfter))
                await delete(dead.Key, cancellationToken).ConfigureAwait(false);
            if (others.Length == 0)
                return true;
            // The lowest one stays until the others have withdrawn.
            if (others.Any(each => string.CompareOrdinal(each.Key, claim) < 0))
                return false;
            await Task.Delay(100, cancellationToken).ConfigureAwait(false);
        }

        // With a later claim those of the dead become old.
        return false;
    }

    private async Task WithdrawAsync(string claim)
    {
        try
        {
            await delete(claim, CancellationToken.None).ConfigureAwait(false);
        }
        catch (BackupException)
        {
            // It no longer counts after a few minutes.
        }
    }
}
