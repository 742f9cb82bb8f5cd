"""What this device keeps: where its files are, the keystore, and one encrypted database a vault.

Everything here is local. Keys are in the keystore file under the passphrase; what is decrypted is in the database under a key from the
keystore, and nowhere else: no file that is made here ever holds a memory's plaintext.
"""
