# %% [markdown]
# # Dynamic programming
