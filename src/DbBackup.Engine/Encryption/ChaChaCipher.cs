using System.Security.Cryptography;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Parameters;

namespace DbBackup.Engine.Encryption;

/// <summary>ChaCha20-Poly1305 (RFC 8439) with one key: the system's where it has it, else BouncyCastle's. One call at a time.</summary>
internal abstract class ChaChaCipher : IDisposable
{
    /// <summary>Bytes of a key.</summary>
    public const int KeySize = 32;

    /// <summary>Bytes by which sealed text is longer.</summary>
    public const int TagSize = 16;

    /// <summary>Bytes of a nonce.</summary>
    public const int NonceSize = 12;

    /// <summary>The best that this machine has.</summary>
    public static ChaChaCipher Create(byte[] key) => ChaCha20Poly1305.IsSupported ? new OfSystem(key) : new Managed(key);

    /// <summary>The one that runs everywhere.</summary>
    internal static ChaChaCipher CreateManaged(byte[] key) => new Managed(key);

    /// <summary>Seals a text; <paramref name="output"/> gets it and its tag.</summary>
    public abstract void Seal(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plain, Span<byte> output);

    /// <summary>Opens a sealed text with its tag.</summary>
    /// <returns>False if it was changed, or the key or nonce is another.</returns>
    public abstract bool TryOpen(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> stored, Span<byte> output);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Lets the key go.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }

    private sealed class OfSystem(byte[] key) : ChaChaCipher
    {
        private readonly ChaCha20Poly1305 _cipher = new(key);

        public override void Seal(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plain, Span<byte> output) =>
            _cipher.Encrypt(nonce, plain, output[..plain.Length], output.Slice(plain.Length, TagSize));

        public override bool TryOpen(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> stored, Span<byte> output)
        {
            if (stored.Length < TagSize)
                return false;
            try
            {
                _cipher.Decrypt(nonce, stored[..^TagSize], stored[^TagSize..], output[..(stored.Length - TagSize)]);
                return true;
            }
            catch (AuthenticationTagMismatchException)
            {
                return false;
            }
        }

        protected override void Dispose(bool disposing)
        {
            _cipher.Dispose();
            base.Dispose(disposing);
        }
    }

    private sealed class Managed(byte[] key) : ChaChaCipher
    {
        private readonly Org.BouncyCastle.Crypto.Modes.ChaCha20Poly1305 _cipher = new();
        private readonly KeyParameter _key = new(key);

        public override void Seal(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plain, Span<byte> output)
        {
            _cipher.Init(true, new ParametersWithIV(_key, nonce));
            int length = _cipher.ProcessBytes(plain, output);
            _cipher.DoFinal(output[length..]);
        }

        public override bool TryOpen(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> stored, Span<byte> output)
        {
            if (stored.Length < TagSize)
                return false;
            try
            {
                _cipher.Init(false, new ParametersWithIV(_key, nonce));
                byte[] plain = new byte[_cipher.GetOutputSize(stored.Length)];
                int length = _cipher.ProcessBytes(stored, plain);
                _cipher.DoFinal(plain.AsSpan(length));
                plain.CopyTo(output);
                return true;
            }
            catch (InvalidCipherTextException)
            {
                return false;
            }
        }
    }
}
